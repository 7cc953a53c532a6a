"""The command line's verbs that read Git; each imports what it needs when it is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fivefold.history.leaderboard.standings import Leaderboard
    from fivefold.history.reader import Reader

__all__ = [
    "DiffFormat",
    "TableFormat",
    "compare",
    "diff",
    "gate",
    "leaderboard",
    "leaderboard_group",
    "show",
    "site",
]


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
    output: _Format = TableFormat.table,
) -> None:
    """Rank the runs of the history: the current branch's, or those of the named refs."""
    if context.invoked_subcommand is not None:
        return
    from fivefold.history.git.repository import Repository
    from fivefold.history.leaderboard.render import render_leaderboard
    from fivefold.history.reader import Reader

    found = _rank(
        Reader(Repository()),
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
    _print(render_leaderboard(found, output.value))


@leaderboard_group.command()
def show(
    run: Annotated[str, typer.Argument(help="A commit, branch or tag, or 'workspace'.")],
    board: _BoardName = None,
    metric: _Metric = None,
    output: _Format = TableFormat.table,
) -> None:
    """Show one run: its place and why, its metrics, params, data and cost."""
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
    _print(render_details(details, ranked, row, output.value))


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
    _print(render_comparison(details, compare_runs(details), output.value, everything=everything))


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
    _print(shown)
    if made.pages < made.runs:
        left = made.runs - made.pages
        _print(f"{plural(left, 'run')} without a page of their own (--top 0 writes all)")


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


def _deliver(text: str, output: Path | None) -> None:
    """Write to the file that was asked for, whole or not at all, or else print."""
    if output is None:
        _print(text)
        return
    from fivefold.errors import OutputError
    from fivefold.files import replace_text

    try:
        replace_text(output, text.encode("utf-8", "replace").decode().rstrip("\n") + "\n")
    except OSError as error:
        raise OutputError(
            "the report can't be written", where=str(output), got=error.strerror
        ) from error


def _print(text: str) -> None:
    # A path that isn't UTF-8 can be read, but not printed as it is.
    typer.echo(text.encode("utf-8", "replace").decode())
