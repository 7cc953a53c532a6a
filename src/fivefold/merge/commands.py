"""The command line's verbs that merge; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["after_merge", "merge_driver", "setup"]


def setup() -> None:
    """Set this clone up: Git's merge drivers, its hooks, pre-commit's."""
    from fivefold.merge.setup import setup as run
    from fivefold.pipeline.project import find_root

    for line in run(find_root(Path.cwd())):
        typer.echo(line)


def merge_driver(
    kind: Annotated[str, typer.Argument(help="lock, params or figures.")],
    base: Path,
    ours: Path,
    theirs: Path,
    marker_size: int,
    path: str,
) -> None:
    """Merge one file; Git calls this, as `fivefold setup` told it to."""
    from fivefold.merge.driver import merge_files

    if not merge_files(kind, base, ours, theirs, marker_size, path):
        raise typer.Exit(1)


def after_merge() -> None:
    """Mend what no driver could; Git's hooks call this, as `fivefold setup` told them to."""
    from fivefold.merge.after import after_merge as run

    for line in run(Path.cwd()):
        typer.echo(line, err=True)
