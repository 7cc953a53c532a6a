"""Boards as they are declared, in ``conf/leaderboard/NAME.yaml``, and so reviewed like code.

.. code-block:: yaml

    metric: roc_auc                  # what ranks
    goal: maximize                   # needed where nothing else tells
    metrics: [log_loss, accuracy]    # shown beside it
    columns: [train.model]           # params to show
    ties: [cost, older]              # who stands first among equals
    qualify:                         # rows that miss it are listed below a line
      log_loss: {max: 0.5}
    data: [data/test.parquet]        # only runs judged on the same content rank together
    evaluations: [metrics/spring.json, metrics/autumn.json]   # several sets; the mean ranks
    coverage: {data/test.parquet: 2} # several sets: the last versions of a file
    where: train.model != "dummy"
    refs: [main, feature/*]
    candidates:                      # one row per candidate, not per run
      by: [train.model]              # params, sections of them, tag, tag:PATTERN, branch, author
      aggregate: best                # last, best, mean, min, max
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fivefold.errors import HistoryError, nearest
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.leaderboard.where import Condition
from fivefold.history.reader import Reader
from fivefold.metrics import Goal

__all__ = ["AGGREGATES", "BOARDS", "TIES", "Declaration", "read_declaration"]

BOARDS = "conf/leaderboard"
AGGREGATES = ("last", "best", "mean", "min", "max")
TIES = ("cost", "older")
_KINDS = (".yaml", ".yml")
_CANDIDATES = ("by", "aggregate")


@dataclass(frozen=True)
class Declaration:
    """A board as its file declares it; the module's docstring shows every key."""

    name: str = "plan"
    metric: str | None = None
    goal: Goal | None = None
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ties: tuple[str, ...] = TIES
    qualify: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    data: tuple[str, ...] | None = None
    evaluations: tuple[str, ...] = ()
    coverage: Mapping[str, int] = field(default_factory=dict)
    where: str | None = None
    refs: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    aggregate: str = "best"


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
        if path.endswith(_KINDS) and posixpath.dirname(path) == BOARDS
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
    known = [f.name for f in fields(Declaration) if f.name not in ("name", *_CANDIDATES)]
    _refuse_unknown(raw, [*known, "candidates"], path)
    goal = raw.get("goal")
    if goal not in (None, "maximize", "minimize"):
        raise HistoryError(
            "the goal is not one", where=f"{path}: goal", got=goal, allowed="maximize, minimize"
        )
    candidates = raw.get("candidates") or {}
    if not isinstance(candidates, Mapping) or not set(candidates) <= set(_CANDIDATES):
        raise HistoryError(
            "candidates are declared by two keys",
            where=f"{path}: candidates",
            got=candidates,
            allowed=_CANDIDATES,
        )
    aggregate = candidates.get("aggregate", "best")
    if aggregate not in AGGREGATES:
        raise HistoryError(
            "the aggregate is not one",
            where=f"{path}: candidates.aggregate",
            got=aggregate,
            allowed=AGGREGATES,
        )
    where = _text(raw, "where", path)
    if where:
        # A condition that can't be read is the board's fault, and not the option's.
        Condition(where, source=f"{path}: where")
    lists = {key: _names(raw, key, path) for key in ("metrics", "columns", "evaluations", "refs")}
    found = Declaration(
        name=name,
        metric=_text(raw, "metric", path),
        goal=goal,
        ties=_names(raw, "ties", path) if "ties" in raw else TIES,
        qualify=_bounds(raw.get("qualify"), path),
        data=_names(raw, "data", path) if "data" in raw else None,
        coverage=_coverage(raw.get("coverage"), path),
        where=where,
        by=_names(candidates, "by", f"{path}: candidates"),
        aggregate=aggregate,
        **lists,
    )
    if found.coverage:
        _require_coverable(found, path)
    return found


def _refuse_unknown(raw: Mapping[Any, Any], known: list[str], path: str) -> None:
    for key in raw:
        if key not in known:
            raise HistoryError(
                "a board has no such key",
                where=path,
                got=str(key),
                allowed=known,
                hint=nearest(str(key), known),
            )


def _require_coverable(found: Declaration, path: str) -> None:
    if found.evaluations:
        raise HistoryError(
            "a board takes its evaluation sets from metrics files or from versions of the data",
            where=f"{path}: coverage",
            hint="leave evaluations or coverage out",
        )
    if not found.by:
        raise HistoryError(
            "one run is judged on one version only: what covers several is a candidate",
            where=f"{path}: coverage",
            hint=f"add to {path}: candidates: {{by: [NAME]}}",
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


def _coverage(section: Any, path: str) -> dict[str, int]:
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not all(
        isinstance(number, int) and not isinstance(number, bool) and number > 0
        for number in section.values()
    ):
        raise HistoryError(
            "coverage asks for the last versions of files",
            where=f"{path}: coverage",
            got=section,
            allowed="PATH: NUMBER of versions, 1 or more",
        )
    return {posixpath.normpath(str(file)): number for file, number in section.items()}
