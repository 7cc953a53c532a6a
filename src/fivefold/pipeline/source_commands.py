"""The command line's verbs for remote sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fivefold.pipeline.sources import Found

__all__ = ["sources_group"]

sources_group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Remote sources: did they change, and what is pinned of them.",
)


@sources_group.command()
def update(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources, by their names; all remote ones if none.")
    ] = None,
) -> None:
    """Ask each remote source whether it changed, fetch what did, and pin it."""
    from fivefold.data.sources.pins import PINS
    from fivefold.pipeline.project import find_root
    from fivefold.pipeline.sources import update_pins

    root = find_root(Path.cwd())
    path = root / PINS
    before = path.read_bytes() if path.is_file() else None
    failed = _told(update_pins(root, names or []))
    if path.is_file() and path.read_bytes() != before:
        typer.echo(f"{PINS} changed: dvc repro, and commit both")
    if failed:
        raise typer.Exit(1)


@sources_group.command()
def status(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources, by their names; all remote ones if none.")
    ] = None,
) -> None:
    """Ask each remote source whether it changed, and write nothing."""
    from fivefold.pipeline.project import find_root
    from fivefold.pipeline.sources import source_states

    if _told(source_states(find_root(Path.cwd()), names or [])):
        raise typer.Exit(1)


def _told(found: Iterable[Found]) -> bool:
    """Print a line a source, and a message for each that failed; True if one did."""
    failed = False
    for item in found:
        typer.echo(f"{item.name}: {item.state}" + (f" ({item.text})" if item.text else ""))
        if item.error is not None:
            failed = True
            typer.echo(f"fivefold: {item.error}", err=True)
    return failed
