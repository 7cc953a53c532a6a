"""Options are taken as they are; only what needs checking is checked by Typer."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import pytest
import typer

from fivefold.quick_start import only_asked, quicken


class Form(enum.StrEnum):
    table = "table"
    json = "json"


def called(*arguments: str) -> list[object]:
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    found: list[object] = []

    @app.command()
    def verb(
        name: Annotated[str | None, typer.Argument()] = None,
        refs: Annotated[list[str] | None, typer.Option()] = None,
        everything: Annotated[bool, typer.Option("--all")] = False,
        top: Annotated[int, typer.Option(min=0)] = 20,
        form: Annotated[Form, typer.Option()] = Form.table,
        output: Annotated[Path | None, typer.Option()] = None,
    ) -> None:
        found.extend([name, refs, everything, top, form, output])

    quicken(typer.main.get_command(app))(list(arguments), standalone_mode=False)
    return found


def test_values_have_the_types_of_their_options() -> None:
    assert called() == [None, None, False, 20, Form.table, None]
    found = called("main", "--refs", "a", "--refs", "b", "--all", "--top", "3", "--form", "json")
    assert found == ["main", ["a", "b"], True, 3, Form.json, None]
    assert isinstance(found[4], Form)
    assert called("--output", "x") == [None, None, False, 20, Form.table, Path("x")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--top", "x"), "valid integer"),
        (("--top", "-1"), "greater than or equal to 0"),
        (("--form", "xml"), "'xml' is not one of"),
    ],
)
def test_what_is_wrong_is_refused(arguments: tuple[str, str], told: str) -> None:
    with pytest.raises(Exception, match=told):
        called(*arguments)


def test_only_what_is_asked_for_is_built() -> None:
    from fivefold.cli import app

    def built(*arguments: str) -> dict[str, object]:
        return typer.main.get_command(only_asked(app, arguments)).commands  # type: ignore[attr-defined]

    whole = built()
    assert len(whole) > 20
    for name, command in whole.items():
        (found,) = built(name, "--help").items()
        assert (found[0], found[1].help) == (name, command.help)  # type: ignore[attr-defined]
    # What is no command's name is for the whole command line to answer.
    assert built("--version").keys() == built("difff").keys() == whole.keys()
