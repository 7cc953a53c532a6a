"""The diff and the gate on the command line; each imports what it needs when it is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DiffFormat", "diff", "echo", "gate"]


class DiffFormat(StrEnum):
    """How a diff is written."""

    terminal = "terminal"
    markdown = "markdown"
    json = "json"
    html = "html"


_Base = Annotated[
    str | None,
    typer.Argument(help="Compare with this; by default where HEAD left the default branch."),
]
_Head = Annotated[str | None, typer.Argument(help="Judge this; by default the working tree.")]
_Deciding = Annotated[
    str | None,
    typer.Option("--metric", help="The metric that decides, NAME or NAME:maximize|minimize."),
]
_Everything = Annotated[
    bool, typer.Option("--everything", help="Show the metrics that didn't change too.")
]
_Tolerance = Annotated[
    list[str] | None,
    typer.Option(
        help="How much worse the primary metric may be than the base's, NUMBER; or another one, "
        "METRIC=NUMBER. Can be repeated."
    ),
]
_DiffFormat = Annotated[DiffFormat, typer.Option("--format", help="How to write it.")]
_Output = Annotated[
    Path | None, typer.Option("--output", help="Write to this file, not to the terminal.")
]
_MaxBytes = Annotated[
    int, typer.Option(min=1000, help="The most that Markdown may take; GitHub takes 65,000.")
]
_Rows = Annotated[
    bool,
    typer.Option(
        "--rows/--no-rows",
        help="Look into the predictions and tables of both revisions that are at hand.",
    ),
]
_Fetch = Annotated[
    bool, typer.Option("--fetch", help="Download those that aren't from the DVC remote.")
]


def diff(
    base: _Base = None,
    head: _Head = None,
    metric: _Deciding = None,
    everything: _Everything = False,
    tolerance: _Tolerance = None,
    place: Annotated[
        bool, typer.Option("--place/--no-place", help="Look up the place on the leaderboard.")
    ] = True,
    rows: _Rows = True,
    fetch: _Fetch = False,
    form: _DiffFormat = DiffFormat.terminal,
    output: _Output = None,
    max_bytes: _MaxBytes = 65_000,
) -> None:
    """Show what got better, what got worse, whether it is noise, and what changed."""
    from fivefold.history.diff.review import judge

    found = judge(
        base,
        head,
        metric=metric,
        tolerance=tolerance or (),
        place=place and form.value,
        rows=rows,
        fetch=fetch,
    )
    _deliver(found.render(form.value, everything=everything, max_bytes=max_bytes), output)


def gate(
    base: _Base = None,
    head: _Head = None,
    metric: _Deciding = None,
    tolerance: _Tolerance = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Record a reasoned exception in exceptions.yaml, NAME=REASON. Can be repeated."
        ),
    ] = None,
    rows: _Rows = True,
    fetch: _Fetch = False,
    form: _DiffFormat = DiffFormat.terminal,
    output: _Output = None,
    max_bytes: _MaxBytes = 65_000,
) -> None:
    """Judge as diff does, and exit with 0 if every gate is passed, with 1 if not.

    What can't be judged at all exits with 2.
    """
    from fivefold.errors import FivefoldError
    from fivefold.history.diff.review import judge

    try:
        found = judge(
            base,
            head,
            metric=metric,
            tolerance=tolerance or (),
            place="gate",
            rows=rows,
            fetch=fetch,
        )
        found.require_primary()
        if allow:
            found = found.allow(allow)
        _deliver(found.render(form.value, max_bytes=max_bytes, gates_only=True), output)
    except FivefoldError as error:
        # Not 1, which says that the gates were held and one failed.
        typer.echo(f"fivefold: {error}", err=True)
        raise typer.Exit(2) from None
    if not found.diff.passed:
        raise typer.Exit(1)


def _deliver(text: str, output: Path | None) -> None:
    """Write to the file that was asked for, whole or not at all, or else print."""
    if output is None:
        echo(text)
        return
    from fivefold.errors import OutputError
    from fivefold.files import replace_text

    try:
        replace_text(output, text.encode("utf-8", "replace").decode().rstrip("\n") + "\n")
    except OSError as error:
        raise OutputError(
            "the report can't be written", where=str(output), got=error.strerror
        ) from error


def echo(text: str) -> None:
    """Print, whatever is in the text."""
    # A path that isn't UTF-8 can be read, but not printed as it is.
    typer.echo(text.encode("utf-8", "replace").decode())
