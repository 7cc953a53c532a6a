"""The leaderboard and the site on the command line; each imports what it needs when called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fivefold.history.diff.commands import echo

if TYPE_CHECKING:
    from fivefold.history.leaderboard.standings import Leaderboard
    from fivefold.history.reader import Reader

__all__ = [
    "TableFormat",
    "compare",
    "leaderboard",
    "leaderboard_group",
    "profile",
    "show",
    "site",
]


class TableFormat(StrEnum):
    """How a leaderboard is written."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


leaderboard_group = typer.Typer(
    help="Rank the runs of the history; or show and compare single ones.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

_Refs = Annotated[
    list[str] | None,
    typer.Option(help="Branches, tags or patterns of them to walk; can be repeated."),
]
_All = Annotated[
    bool, typer.Option("--all", help="Walk every branch, remote branch, tag and experiment.")
]
_BoardName = Annotated[
    str | None, typer.Option("--board", help="A board declared in conf/leaderboard/, or 'plan'.")
]
_Metric = Annotated[
    str | None,
    typer.Option(help="The metric that ranks, NAME or NAME:maximize|minimize."),
]
_Format = Annotated[TableFormat, typer.Option("--format", help="How to write it.")]


@leaderboard_group.callback()
def leaderboard(
    context: typer.Context,
    board: _BoardName = None,
    refs: _Refs = None,
    everything: _All = False,
    since: Annotated[
        str | None, typer.Option(help="Leave out older commits: 2026-01-31, or 30d, 2w.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help="""Only runs that meet a condition: 'train.model == "forest"'."""),
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many ranked runs to show; 0 for all.")] = 20,
    columns: Annotated[
        str | None, typer.Option(help="Params or metrics to show too, separated by commas.")
    ] = None,
    metric: _Metric = None,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="Tell the runs shown from the leader by their predictions."),
    ] = False,
    trials: Annotated[
        int, typer.Option(min=0, help="Under each run, so many trials of its study, best first.")
    ] = 0,
    output: _Format = TableFormat.table,
) -> None:
    """Rank the runs of the history: the current branch's, or those of the named refs."""
    if context.invoked_subcommand is not None:
        return
    from fivefold.history.git.repository import Repository
    from fivefold.history.leaderboard.render import render_leaderboard
    from fivefold.history.leaderboard.trials import read_trials
    from fivefold.history.reader import Reader

    reader = Reader(Repository())
    found = _rank(
        reader,
        board=board,
        refs=refs,
        everything=everything,
        since=since,
        where=where,
        top=top or None,
        columns=tuple(name.strip() for name in (columns or "").split(",") if name.strip()),
        metric=metric,
        paired=rows,
    )
    studies = (
        {row.run.id: read_trials(reader, row.run.snapshot) for row in found.rows}
        if trials
        else None
    )
    echo(render_leaderboard(found, output.value, studies, trials))


@leaderboard_group.command()
def show(
    run: Annotated[str, typer.Argument(help="A commit, branch or tag, or 'workspace'.")],
    board: _BoardName = None,
    metric: _Metric = None,
    trials: Annotated[
        int, typer.Option(min=0, help="How many trials of its study to show, the best first.")
    ] = 10,
    output: _Format = TableFormat.table,
) -> None:
    """Show one run: its place and why, its metrics, trials, params, data and cost."""
    from fivefold.errors import HistoryError
    from fivefold.history.git.repository import Repository
    from fivefold.history.leaderboard.details import describe, place_of
    from fivefold.history.leaderboard.render_details import render_details
    from fivefold.history.reader import Reader

    repository = Repository()
    reader = Reader(repository)
    details = describe(reader, repository.resolve(run))
    try:
        # Every branch, so that a run of another one has a place too.
        ranked = _rank(reader, board=board, everything=True, top=None, metric=metric)
    except HistoryError:
        if board or metric:
            raise
        ranked = None
    row = place_of(ranked, details.run) if ranked else None
    echo(render_details(details, ranked, row, output.value, trials=trials))


@leaderboard_group.command()
def compare(
    runs: Annotated[list[str], typer.Argument(help="Commits, branches or tags, or 'workspace'.")],
    everything: Annotated[
        bool, typer.Option("--everything", help="Show what is the same too.")
    ] = False,
    output: _Format = TableFormat.table,
) -> None:
    """Put runs side by side: metrics, params, code, data and cost; what differs first."""
    from fivefold.errors import HistoryError
    from fivefold.history.git.repository import Repository
    from fivefold.history.leaderboard.details import compare_runs, describe
    from fivefold.history.leaderboard.render_details import render_comparison
    from fivefold.history.reader import Reader

    if len(runs) < 2:
        raise HistoryError(
            "a comparison takes two runs or more",
            got=runs[0],
            hint=f"fivefold leaderboard show {runs[0]}, or compare {runs[0]} workspace",
        )
    repository = Repository()
    reader = Reader(repository)
    details = [describe(reader, repository.resolve(run)) for run in runs]
    echo(render_comparison(details, compare_runs(details), output.value, everything=everything))


def site(
    out: Annotated[Path, typer.Argument(help="The folder to write; replaced if it is a site.")],
    refs: _Refs = None,
    everything: _All = False,
    board: _BoardName = None,
    top: Annotated[
        int, typer.Option(min=0, help="How many runs get a page of their own; 0 for all.")
    ] = 50,
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="Write the committed HTML reports too.")
    ] = True,
) -> None:
    """Write a static site: leaderboards, a page per run, comparison, metrics over time."""
    from fivefold.history.reader import Reader
    from fivefold.history.site.gather import CommittedRepository, gather
    from fivefold.history.site.write import require_ours, write
    from fivefold.report.format import plural, size

    # A folder that would be refused at the end is refused before the work.
    require_ours(out)
    found = gather(
        Reader(CommittedRepository()),
        refs=refs,
        everything=everything,
        board=board,
        top=top or None,
    )
    made = write(found, out, reports=reports)
    shown = f"{out / 'index.html'}: {plural(made.runs, 'run')}, {size(made.size)}"
    if made.reports:
        shown += f" with {plural(made.reports, 'committed report')} (--no-reports leaves them out)"
    echo(shown)
    if made.pages < made.runs:
        left = made.runs - made.pages
        echo(f"{plural(left, 'run')} without a page of their own (--top 0 writes all)")


def _rank(
    reader: Reader,
    *,
    board: str | None,
    refs: list[str] | None = None,
    everything: bool = False,
    since: str | None = None,
    where: str | None = None,
    top: int | None,
    columns: tuple[str, ...] = (),
    metric: str | None,
    paired: bool = False,
) -> Leaderboard:
    from fivefold.history.leaderboard.declaration import read_declaration
    from fivefold.history.leaderboard.ranking import rank_runs
    from fivefold.history.leaderboard.where import parse_since
    from fivefold.history.runs import default_tips, find_tips

    repository = reader.repository
    declaration = read_declaration(reader, repository.snapshot(repository.workspace()), board)
    named = refs or list(declaration.refs)
    if named or everything:
        tips = find_tips(repository, refs or named, everything=everything)
    else:
        tips = default_tips(repository)
    return rank_runs(
        reader,
        tips,
        declaration=declaration,
        metric=metric,
        top=top,
        where=where,
        since=parse_since(since) if since else None,
        columns=columns,
        paired=paired,
    )


def profile(
    revision: Annotated[
        str, typer.Argument(help="Whose; the working tree's by default.")
    ] = "workspace",
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page.")] = Path(
        "reports/profile.html"
    ),
) -> None:
    """Draw what the stages used: time, processors, memory, disk, network, energy and cost."""
    from fivefold.files import replace_text
    from fivefold.history.git.repository import Repository
    from fivefold.history.reader import Reader
    from fivefold.history.spent import read_spent
    from fivefold.history.spent_page import page
    from fivefold.report import render_html

    repository = Repository()
    found = repository.resolve(revision)
    spent = read_spent(Reader(repository), repository.snapshot(found))
    root = repository.root or Path.cwd()
    drawn = page(spent, root.name, found.label)
    path = root / output
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, render_html(drawn))
    echo(str(output))
