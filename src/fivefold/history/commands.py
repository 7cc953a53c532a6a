"""The command line's verbs that read Git; each imports what it needs when it is called."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["DiffFormat", "TableFormat", "diff", "leaderboard"]


class TableFormat(StrEnum):
    """How a leaderboard is written."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


class DiffFormat(StrEnum):
    """How a diff is written."""

    terminal = "terminal"
    markdown = "markdown"
    json = "json"


def diff(
    base: Annotated[
        str | None,
        typer.Argument(help="Compare with this; by default where HEAD left the default branch."),
    ] = None,
    head: Annotated[
        str | None, typer.Argument(help="Judge this; by default the working tree.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="The metric that decides, NAME or NAME:maximize|minimize."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Show the metrics that didn't change too.")
    ] = False,
    output: Annotated[
        DiffFormat, typer.Option("--format", help="How to write it.")
    ] = DiffFormat.terminal,
) -> None:
    """Show what got better, what got worse, whether it is noise, and what changed."""
    from fivefold.history.diff import compare
    from fivefold.history.reader import Reader
    from fivefold.history.render_diff import render_diff
    from fivefold.history.repository import Repository

    repository = Repository()
    old = repository.resolve(base) if base else repository.default_base()
    new = repository.resolve(head) if head else repository.workspace()
    found = compare(Reader(repository), old, new, metric=metric)
    _print(render_diff(found, output.value, everything=everything))


def leaderboard(
    refs: Annotated[
        list[str] | None,
        typer.Option(help="Branches, tags or patterns of them to walk; can be repeated."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Walk every branch, remote branch and tag.")
    ] = False,
    top: Annotated[int, typer.Option(min=0, help="How many ranked runs to show; 0 for all.")] = 20,
    metric: Annotated[
        str | None,
        typer.Option(help="The metric that ranks, NAME or NAME:maximize|minimize."),
    ] = None,
    output: Annotated[
        TableFormat, typer.Option("--format", help="How to write it.")
    ] = TableFormat.table,
) -> None:
    """Rank the runs of the history: the current branch's, or those of the named refs."""
    from fivefold.history.leaderboard import rank_runs
    from fivefold.history.reader import Reader
    from fivefold.history.render_leaderboard import render_leaderboard
    from fivefold.history.repository import Repository
    from fivefold.history.runs import default_tips, find_tips

    repository = Repository()
    if refs or everything:
        tips = find_tips(repository, refs or (), everything=everything)
    else:
        tips = default_tips(repository)
    found = rank_runs(Reader(repository), tips, metric=metric, top=top or None)
    _print(render_leaderboard(found, output.value))


def _print(text: str) -> None:
    # A path that isn't UTF-8 can be read, but not printed as it is.
    typer.echo(text.encode("utf-8", "replace").decode())
