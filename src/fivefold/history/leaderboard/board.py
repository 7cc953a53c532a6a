"""Boards: what a leaderboard ranks by, whom it lets in, and what it shows.

A board is declared in ``conf/leaderboard/NAME.yaml``, and so reviewed like code:

.. code-block:: yaml

    metric: roc_auc                  # what ranks
    goal: maximize                   # needed where the metric isn't in the catalogue
    metrics: [log_loss, accuracy]    # shown beside it
    columns: [train.model]           # params to show
    qualify:                         # rows that miss it are listed below a line
      log_loss: {max: 0.5}
    data: [data/test.parquet]        # only runs judged on the same content rank together
    evaluations: [metrics/spring.json, metrics/autumn.json]   # several sets; the mean ranks
    where: train.model != "dummy"
    refs: [main, feature/*]
    candidates:                      # one row per candidate, not per run
      by: [train.model]              # params, branch or author
      aggregate: best                # last, best, mean, min, max
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fivefold.errors import HistoryError, nearest
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.goals import Goals, Plan, parse_metric_option, read_plan
from fivefold.history.measures import names_of
from fivefold.history.reader import Reader
from fivefold.history.runs import Run
from fivefold.metrics import Goal

__all__ = ["AGGREGATES", "BOARDS", "Board", "Declaration", "choose_board", "read_declaration"]

BOARDS = "conf/leaderboard"
AGGREGATES = ("last", "best", "mean", "min", "max")


@dataclass(frozen=True)
class Declaration:
    """A board as its file declares it; the module's docstring shows every key."""

    name: str = "plan"
    metric: str | None = None
    goal: Goal | None = None
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    qualify: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    data: tuple[str, ...] | None = None
    evaluations: tuple[str, ...] = ()
    where: str | None = None
    refs: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    aggregate: str = "best"


@dataclass(frozen=True)
class Board:
    """What ranks, settled for the runs at hand.

    Attributes
    ----------
    primary : str
        The metric that ranks.
    goal : {"maximize", "minimize"}
    source : str
        How the goal is known: board, plan, option, catalogue or guessed.
    metrics : tuple of str
        Other metrics to show.
    declaration : Declaration
    notes : tuple of str
        What the reader should know about the choice.
    """

    primary: str
    goal: Goal
    source: str
    metrics: tuple[str, ...] = ()
    declaration: Declaration = field(default_factory=Declaration)
    notes: tuple[str, ...] = ()


def read_declaration(reader: Reader, snapshot: Snapshot, name: str | None) -> Declaration:
    """Read a declared board: the named one, else ``default``, else the only one, else the plan's.

    Raises
    ------
    HistoryError
        Where there is no such board, or its file isn't a board.
    """
    files = {
        posixpath.splitext(posixpath.basename(path))[0]: path
        for path in snapshot.files(BOARDS)
        if path.endswith((".yaml", ".yml"))
    }
    if name is None:
        name = "default" if "default" in files else next(iter(files)) if len(files) == 1 else None
    if name is None or (name == "plan" and name not in files):
        return Declaration()
    if name not in files:
        raise HistoryError(
            "no board has this name",
            where=BOARDS,
            got=name,
            allowed=[*sorted(files), "plan"],
            hint=nearest(name, files) or f"declare it in {BOARDS}/{name}.yaml",
        )
    path = files[name]
    blob = snapshot.blob(path)
    found = reader.file(snapshot, path, blob) if blob is not None else None
    if found is None or found.error:
        raise HistoryError("the board can't be read", where=path, got=found.error if found else "")
    return _declaration(found.raw, name, path)


def _declaration(raw: Any, name: str, path: str) -> Declaration:
    if not isinstance(raw, Mapping):
        raise HistoryError("a board is a mapping", where=path, got=raw)
    known = [f.name for f in fields(Declaration) if f.name not in ("name", "by", "aggregate")]
    known.append("candidates")
    for key in raw:
        if key not in known:
            raise HistoryError(
                "a board has no such key",
                where=path,
                got=str(key),
                allowed=known,
                hint=nearest(str(key), known),
            )
    goal = raw.get("goal")
    if goal not in (None, "maximize", "minimize"):
        raise HistoryError(
            "the goal is not one", where=f"{path}: goal", got=goal, allowed="maximize, minimize"
        )
    candidates = raw.get("candidates") or {}
    if not isinstance(candidates, Mapping) or not set(candidates) <= {"by", "aggregate"}:
        raise HistoryError(
            "candidates are declared by two keys",
            where=f"{path}: candidates",
            got=candidates,
            allowed="by, aggregate",
        )
    aggregate = candidates.get("aggregate", "best")
    if aggregate not in AGGREGATES:
        raise HistoryError(
            "the aggregate is not one",
            where=f"{path}: candidates.aggregate",
            got=aggregate,
            allowed=AGGREGATES,
        )
    lists = {key: _names(raw, key, path) for key in ("metrics", "columns", "evaluations", "refs")}
    return Declaration(
        name=name,
        metric=_text(raw, "metric", path),
        goal=goal,
        qualify=_bounds(raw.get("qualify"), path),
        data=_names(raw, "data", path) if "data" in raw else None,
        where=_text(raw, "where", path),
        by=_names(candidates, "by", f"{path}: candidates"),
        aggregate=aggregate,
        **lists,
    )


def _text(raw: Mapping[str, Any], key: str, path: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise HistoryError(f"{key} is a text", where=f"{path}: {key}", got=value)
    return value


def _names(raw: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    value = raw.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise HistoryError(f"{key} is a list of names", where=f"{path}: {key}", got=value)
    return tuple(value)


def _bounds(section: Any, path: str) -> dict[str, dict[str, float]]:
    wrong = HistoryError(
        "qualify bounds metrics",
        where=f"{path}: qualify",
        got=section,
        allowed="METRIC: {min: NUMBER, max: NUMBER}",
    )
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise wrong
    found = {}
    for metric, bounds in section.items():
        if not isinstance(bounds, Mapping) or not bounds or not set(bounds) <= {"min", "max"}:
            raise wrong
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in bounds.values()):
            raise wrong
        found[str(metric)] = {str(end): float(value) for end, value in bounds.items()}
    return found


def choose_board(
    reader: Reader, runs: list[Run], declaration: Declaration, option: str | None
) -> Board:
    """Decide what ranks: the option, else the board, else the plan, else a well-known name.

    Raises
    ------
    HistoryError
        Where no metric can rank, or the direction of the one that should is unknown.
    """
    plan = _plan(reader, runs)
    goals = Goals(plan)
    name, goal = parse_metric_option(option) if option else (declaration.metric, declaration.goal)
    source = "option" if option else "board"
    notes: list[str] = []
    if name is None and plan:
        name = plan.primary
    if name is None:
        name = _well_known(reader, runs, goals)
        notes.append(
            f"no plan names a primary metric: ranked by {name}; choose another with --metric"
        )
    if goal is None:
        direction = goals.direction(name.rpartition(":")[2])
        goal, source = direction.goal, direction.source
    if goal is None:
        raise HistoryError(
            f"nothing tells whether more or less of {name!r} is better",
            hint=f"fivefold leaderboard --metric {name}:maximize (or :minimize)",
        )
    if source == "guessed":
        notes.append(f"{goal} is guessed from the name {name}: say it with --metric {name}:{goal}")
    others = declaration.metrics or ((plan.primary, *plan.metrics) if plan else ())
    shown = tuple(metric for metric in others if metric != name)
    return Board(name, goal, source, shown, declaration, tuple(notes))


def _plan(reader: Reader, runs: list[Run]) -> Plan | None:
    """Read the plan that stands now, or that of the newest run, on whatever branch."""
    repository = reader.repository
    here = repository.snapshot(repository.workspace())
    for snapshot in (here, *(run.snapshot for run in runs[:1])):
        plan = read_plan(reader.params(snapshot))
        if plan:
            return plan
    return None


def _well_known(reader: Reader, runs: list[Run], goals: Goals) -> str:
    """Give the first metric whose name tells which way is better."""
    listed = (names_of(reader.metrics(run.snapshot)) for run in runs)
    names = next(filter(None, listed), [])
    for name in names:
        if goals.direction(name.rpartition(":")[2]).goal:
            return name
    raise HistoryError(
        "nothing can be ranked: no plan names a primary metric, and no metric's name tells which "
        "way is better",
        got=", ".join(names) or "no numeric metric in any run",
        hint="fivefold leaderboard --metric NAME:maximize (or :minimize)",
    )
