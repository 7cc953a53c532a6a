"""Where the head stands among the runs of its branch and of the default branch.

To hold a run against its lock takes a hundred times as long as to read its metric, so only so many
runs are looked into per call, the best first; what was found is remembered by the run's tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from fivefold.errors import HistoryError
from fivefold.history.checks import Checks
from fivefold.history.diff.changes import Place
from fivefold.history.equal import results_of
from fivefold.history.git.repository import Repository, Revision
from fivefold.history.integrity import check
from fivefold.history.leaderboard.board import Board, choose_board
from fivefold.history.leaderboard.declaration import read_declaration
from fivefold.history.leaderboard.evaluation import look_into, misses, question_of
from fivefold.history.leaderboard.order import in_order, ranks
from fivefold.history.leaderboard.ranking import admitted, score_runs
from fivefold.history.leaderboard.standings import RowBuilder
from fivefold.history.leaderboard.where import Condition
from fivefold.history.measures import Measure
from fivefold.history.names import Tip
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, collect_runs

__all__ = ["FEW", "MANY", "find_place"]

FEW = 4
"""How many runs to look into while somebody waits for a diff."""

MANY = 400
"""How many to look into for a report."""

_TREND = 40


def find_place(
    reader: Reader, base: Revision, head: Revision, *, metric: str | None = None, most: int = MANY
) -> Place | None:
    """Rank the head and the base on the repository's board; None where nothing ranks.

    Parameters
    ----------
    reader : Reader
    base, head : Revision
    metric : str, optional
        ``NAME`` or ``NAME:maximize``, instead of the board's.
    most : int
        How many runs to look into that weren't before.
    """
    repository = reader.repository
    try:
        declaration = read_declaration(reader, repository.snapshot(head), None)
        runs = collect_runs(reader, _tips(repository, base, head), workspace=head.commit is None)
        board = choose_board(reader, runs, declaration, metric)
        conditions = [Condition(declaration.where)] if declaration.where else []
        runs = [r for r in runs if not conditions or admitted(reader, r, conditions, None)]
        builder = RowBuilder(reader, board, ())
        scored, broken, _ = score_runs(builder, runs)
        scored = in_order(builder, scored)
    except HistoryError:
        # Without metrics, or a direction of the one that ranks, there is no board.
        return None
    if not scored:
        return None
    found = _Lookups(reader, board, most)
    ours = {side: _run_of(reader, revision, runs) for side, revision in _sides(base, head)}
    first = [item for item in scored if item[0] in ours.values()]
    found.look_into([*first, *scored])
    reader.memory.save()
    found.save()
    mine = next((item for item in scored if item[0] is ours["head"]), scored[0])
    version = found.version(mine[0])
    out = found.judged_otherwise(version)
    ranked = [item for item in scored if item[0] not in out]
    if board.declaration.qualify:
        ranked = [item for item in ranked if not misses(reader, item[0].snapshot, board)]
    unchecked = sum(not found.known(run) for run, _ in ranked)
    head_run = ours["head"]
    rank, was = (_rank(ranked, ours[side]) for side in ("head", "base"))
    beside = _level(ranked) if rank == 1 else []
    reasons = [r for row in broken if row.run is head_run for r in row.reasons]
    if head_run is not None and rank is None and not reasons:
        integrity = check(reader, head_run.snapshot)
        reasons = [*integrity.reasons] if not integrity.trusted else []
        reasons += misses(reader, head_run.snapshot, board)
    return Place(
        board="" if declaration.name == "plan" else declaration.name,
        metric=board.primary,
        rank=rank,
        was=was,
        ranked=len(ranked),
        shared=tuple(run.short for run in beside if run is not head_run),
        reasons=tuple(reasons),
        trend=tuple(_trend(runs, ranked)),
        unchecked=unchecked,
    )


class _Lookups:
    """What is known of runs: whether nothing speaks against them, and what they were judged on."""

    def __init__(self, reader: Reader, board: Board, most: int) -> None:
        self._reader, self._board, self._left = reader, board, most
        self._checks = Checks(reader.memory.path.parent)
        self._trees = self._checks.trees()
        self._questions: dict[str, str] = {}
        self._known: dict[Run, tuple[bool, str | None]] = {}

    def look_into(self, scored: Iterable[tuple[Run, Measure]]) -> None:
        """Look into the first runs, as many as there is time for, and those that are remembered."""
        for run, measure in scored:
            # Most of a long history is neither: it is passed over as fast as can be.
            if (self._left > 0 or run.tree in self._trees) and run not in self._known:
                self._look(run, measure)

    def _look(self, run: Run, measure: Measure) -> None:
        reader, board = self._reader, self._board
        if measure.file not in self._questions:
            self._questions[measure.file] = question_of(board, measure.file)
        found = self._checks.find(self._questions[measure.file], run.snapshot)
        if found is None:
            if self._left <= 0:
                return
            self._left -= 1
            found = look_into(reader, self._checks, run.snapshot, board, measure.file)
        judged_by = f"{found.data} planned for {found.planned}"
        self._known[run] = found.integrity.trusted, judged_by

    def save(self) -> None:
        """Remember what was found for the next call."""
        self._checks.save()

    def known(self, run: Run) -> bool:
        """Tell whether a run was looked into, now or before."""
        return run in self._known

    def version(self, run: Run) -> str | None:
        """Give the data and the plan that a run was judged by, as far as they are known."""
        return self._known.get(run, (True, None))[1]

    def judged_otherwise(self, version: str | None) -> frozenset[Run]:
        """Give the runs that don't rank among those of a version; one not looked into may."""
        return frozenset(
            run for run, (trusted, its) in self._known.items() if not trusted or its != version
        )


def _sides(base: Revision, head: Revision) -> Iterable[tuple[str, Revision]]:
    return ("base", base), ("head", head)


def _tips(repository: Repository, base: Revision, head: Revision) -> list[Tip]:
    """Start from the default branch, from HEAD for the working tree, and from both revisions."""
    tips = []
    default = repository.default_branch()
    if default:
        commit = repository.resolve(default).commit
        if commit is not None:
            tips.append(Tip(default, commit.id))
    here = repository.head() if head.commit is None else head
    named = ((revision.name, revision.commit) for revision in (here, base))
    return [*tips, *(Tip(name, commit.id) for name, commit in named if commit is not None)]


def _run_of(reader: Reader, revision: Revision, runs: list[Run]) -> Run | None:
    """Find the run that a revision is, or whose results it holds."""
    commit = "workspace" if revision.commit is None else str(revision.commit.id)
    for run in runs:
        if commit in (run.id, *run.also):
            return run
    # A commit that changed the prose only is no run of its own.
    digest, _ = results_of(reader, reader.repository.snapshot(revision))
    return next((run for run in runs if digest and run.results == digest), None)


def _rank(ranked: list[tuple[Run, Measure]], run: Run | None) -> int | None:
    """Give a run's rank; None where it isn't among the ranked."""
    for place, (other, measure) in enumerate(ranked, start=1):
        if other is run:
            leader = ranked[0][1]
            figures = [(item.value, item.interval) for item in (leader, measure)]
            (_, (rank, _)) = ranks(figures)
            return 1 if rank == 1 else place
    return None


def _level(ranked: list[tuple[Run, Measure]]) -> list[Run]:
    """Give the runs that share the first rank."""
    figures = [(measure.value, measure.interval) for _, measure in ranked]
    return [run for (run, _), (rank, _) in zip(ranked, ranks(figures), strict=True) if rank == 1]


def _trend(runs: list[Run], ranked: list[tuple[Run, Measure]]) -> list[tuple[str, float]]:
    """Give the metric over time, of runs that come newest first."""
    values = {run: measure.value for run, measure in ranked}
    newest = list(islice((run for run in runs if run in values), _TREND))
    return [(run.short, float(values[run])) for run in reversed(newest)]
