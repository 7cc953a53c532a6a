"""What the site shows, read of the history."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pygit2
from pygit2.enums import SortMode

from fivefold.errors import HistoryError
from fivefold.history.diff.budget import day_of, judge_budget
from fivefold.history.diff.changes import Gate
from fivefold.history.diff.gate import judge_plan
from fivefold.history.git.repository import Repository, Revision
from fivefold.history.goals import Goals, Plan
from fivefold.history.leaderboard.declaration import BOARDS, Declaration, read_declaration
from fivefold.history.leaderboard.details import Details, describe
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.standings import Leaderboard, Row
from fivefold.history.measures import Measure
from fivefold.history.names import Tip
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, collect_runs, default_tips, find_tips
from fivefold.history.settings import goals_of, plan_of
from fivefold.report import Block

__all__ = ["CommittedRepository", "Entry", "Site", "Standing", "gather"]


class CommittedRepository(Repository):
    """A repository of which only the commits count: the working tree stands for its HEAD.

    A site says of which commit it was made, and is the same wherever it is made of it.
    """

    def workspace(self) -> Revision:
        """Give HEAD."""
        return self.head()


@dataclass(frozen=True)
class Standing:
    """One board, and what is ranked on it.

    Attributes
    ----------
    name : str
    found : Leaderboard or None
    problem : str
        Why there is no ranking; empty where there is one.
    """

    name: str
    found: Leaderboard | None
    problem: str = ""

    @property
    def sections(self) -> list[tuple[str, tuple[Row, ...]]]:
        """The ranked rows by the version of the data that they were judged on, today's first."""
        if self.found is None:
            return []
        groups = [(rows[0].data or "", rows) for rows in (self.found.rows,) if rows]
        return [*groups, *self.found.elsewhere.items()]

    @property
    def rows(self) -> list[Row]:
        """Every row, the unranked ones last."""
        if self.found is None:
            return []
        return [*(row for _, rows in self.sections for row in rows), *self.found.unranked]


@dataclass(eq=False)
class Entry:
    """One run of the site.

    Attributes
    ----------
    run : Run
    details : Details
    plan : Plan or None
    goals : Goals
    gates : tuple of Gate
        The plan's thresholds and guardrails, held against the run's own metrics.
    parents, children : list of str
        The ids of the nearest runs before and after.
    places : dict of str to Row
        The run's row by board.
    """

    run: Run
    details: Details
    plan: Plan | None
    goals: Goals
    gates: tuple[Gate, ...]
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    places: dict[str, Row] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The commit's id."""
        return self.run.id

    @cached_property
    def measures(self) -> Mapping[str, Measure]:
        """The metrics, those that the plan names first."""
        given = self.details.metrics
        return {n: given[n] for n in sorted(given, key=lambda name: _rank_of(name, self.plan))}

    @cached_property
    def params(self) -> Mapping[str, object]:
        """The params; those of DVC's own params file without its name in front."""
        given = self.details.params
        return {_bare(name) if _bare(name) not in given else name: v for name, v in given.items()}


@dataclass(frozen=True)
class Site:
    """All that a site shows.

    Attributes
    ----------
    reader : Reader
    name : str
        The project's.
    commit : str
        The commit that was checked out.
    problem : str
        What the plan says the project is for; empty without a plan.
    boards : tuple of Standing
    entries : tuple of Entry
        Newest first.
    pages : frozenset of str
        The ids of the runs that get a page.
    drawn : dict
        Blocks that several pages share, by what they were made of.
    """

    reader: Reader
    name: str
    commit: str
    problem: str
    boards: tuple[Standing, ...]
    entries: tuple[Entry, ...]
    pages: frozenset[str]
    drawn: dict[tuple[object, ...], list[Block]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[str, Entry]:
        """The entries by commit, those of equal runs too."""
        return {name: e for e in self.entries for name in (*e.run.also, e.id)}

    @property
    def best(self) -> Row | None:
        """The leader of the first board that has one."""
        return next((b.found.rows[0] for b in self.boards if b.found and b.found.rows), None)


def gather(
    reader: Reader,
    *,
    refs: Iterable[str] | None = None,
    everything: bool = False,
    board: str | None = None,
    top: int | None = None,
) -> Site:
    """Read the history for a site.

    Parameters
    ----------
    reader : Reader
        Of a `CommittedRepository`.
    refs : iterable of str, optional
        Branches, tags or patterns of them; by default what each board says, or the current branch.
    everything : bool
        Take every branch, remote branch, tag and experiment.
    board : str, optional
        Only this board.
    top : int, optional
        How many runs get a page: the best of the first board, then the newest; None for all.

    Raises
    ------
    HistoryError
        Where there is no run, no such board, or a board's file is none.
    """
    repository = reader.repository
    here = repository.snapshot(repository.head())
    named = list(refs or ())
    if board is not None:
        names = [board]
    else:
        found = sorted(
            posixpath.splitext(posixpath.basename(path))[0]
            for path in here.files(BOARDS)
            if path.endswith((".yaml", ".yml"))
        )
        names = [*found, *(["plan"] if "plan" not in found else [])]
    runs: dict[str, Run] = {}
    reached: list[Tip] = []
    boards = []
    for name in names:
        declaration = read_declaration(reader, here, name)
        chosen = named or list(declaration.refs)
        if chosen or everything:
            tips = find_tips(repository, named or chosen, everything=everything)
        else:
            tips = default_tips(repository)
        reached.extend(tip for tip in tips if tip not in reached)
        boards.append(_standing(reader, tips, declaration))
    for run in collect_runs(reader, reached, workspace=False):
        runs.setdefault(run.id, run)
    for standing in boards:
        for row in standing.rows:
            runs.setdefault(row.run.id, row.run)
    entries = _entries(reader, list(runs.values()))
    if not entries:
        raise HistoryError(
            "no commit has metrics, so there is nothing to show",
            where=", ".join(tip.name for tip in reached),
            hint="dvc repro && git add -A && git commit, or name branches: fivefold site OUT --all",
        )
    entries.sort(key=lambda e: (e.run.time.timestamp() if e.run.time else 0.0, e.id), reverse=True)
    by_id = {name: entry for entry in entries for name in (*entry.run.also, entry.id)}
    for standing in boards:
        for row in standing.rows:
            if row.run.id in by_id:
                by_id[row.run.id].places[standing.name] = row
    _relate(repository, reached, by_id)
    head = repository.head().commit
    plan = _charter(reader, entries)
    return Site(
        reader,
        str(plan.get("name") or (repository.root.name if repository.root else "project")),
        str(head.id) if head else "",
        str(plan.get("problem") or ""),
        tuple(boards),
        tuple(entries),
        _chosen(boards, entries, top),
    )


def _rank_of(name: str, plan: Plan | None) -> int:
    first = [plan.primary, *plan.metrics] if plan else []
    return first.index(name) if name in first else len(first)


def _bare(name: str) -> str:
    return name.removeprefix("params.yaml:")


def _standing(reader: Reader, tips: list[Tip], declaration: Declaration) -> Standing:
    try:
        found = rank_runs(reader, tips, declaration=declaration, top=None, workspace=False)
    except HistoryError as error:
        return Standing(declaration.name, None, str(error))
    return Standing(declaration.name, found)


def _entries(reader: Reader, runs: list[Run]) -> list[Entry]:
    entries = []
    for run in runs:
        try:
            details = describe(reader, Revision(run.short, run.commit))
            plan = plan_of(reader, run.snapshot)
        except HistoryError:
            # A commit that only brought params is a step on the way to a run.
            continue
        if not details.metrics and not details.problems:
            continue
        goals = goals_of(reader, run.snapshot, plan, {})
        files = reader.metrics(run.snapshot)
        day = day_of(Revision(run.short, run.commit))
        gates = (*judge_plan(plan, files, goals), *judge_budget(plan, {}, files, (), day))
        entries.append(Entry(run, details, plan, goals, gates))
    return entries


def _charter(reader: Reader, entries: list[Entry]) -> Mapping[str, object]:
    repository = reader.repository
    for snapshot in (repository.snapshot(repository.head()), *(e.run.snapshot for e in entries)):
        for file in reader.params(snapshot).values():
            plan = file.raw.get("plan") if isinstance(file.raw, Mapping) else None
            if isinstance(plan, Mapping):
                return plan
    return {}


def _relate(repository: Repository, tips: list[Tip], by_id: Mapping[str, Entry]) -> None:
    """Find for each run the nearest runs before it."""
    if not tips:
        return
    walker = repository.git.walk(tips[0].commit, SortMode.TOPOLOGICAL | SortMode.REVERSE)
    for tip in tips[1:]:
        walker.push(tip.commit)
    nearest: dict[pygit2.Oid, tuple[str, ...]] = {}
    for commit in walker:
        above = tuple(
            dict.fromkeys(run for parent in commit.parent_ids for run in nearest.get(parent, ()))
        )
        entry = by_id.get(str(commit.id))
        if entry is None:
            nearest[commit.id] = above
            continue
        nearest[commit.id] = (entry.id,)
        for parent in above:
            if parent != entry.id and parent not in entry.parents:
                entry.parents.append(parent)
                by_id[parent].children.append(entry.id)


def _chosen(boards: list[Standing], entries: list[Entry], top: int | None) -> frozenset[str]:
    known = {entry.id for entry in entries}
    ranked = [row.run.id for row in boards[0].rows if row.run.id in known]
    order = list(dict.fromkeys((*ranked, *(entry.id for entry in entries))))
    return frozenset(order[:top])
