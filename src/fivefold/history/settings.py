"""``fivefold.yaml`` at DVC's root: what a plain DVC repository doesn't declare.

.. code-block:: yaml

    metric: top5                               # what ranks and decides
    goals: {top5: maximize, stalls: minimize}  # where the name doesn't tell
    metrics: [stalls]                          # shown beside it
    thresholds: {acceptable: 0.8, excellent: 0.95}
    guardrails: {stalls: {max: 3}}
    data: [data/holdout.csv]                   # only runs judged on the same content compare
    predictions:                               # rows, for paired tests
      path: out/predictions.csv
      key: id
      target: label
      score: probability
      task: binary
      groups: [region]                         # slices to compare one by one

A project whose params hold a plan needs none of it; there, `goals`, `data` and `predictions` add to
the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_args

from fivefold.errors import HistoryError, nearest
from fivefold.history.dvc.values import FileValues
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.goals import Goals, Plan, read_plan
from fivefold.history.reader import Reader
from fivefold.metrics import TASKS, Goal, Task

__all__ = ["SETTINGS", "Predictions", "Settings", "goals_of", "plan_of", "read_settings"]

SETTINGS = "fivefold.yaml"

_GOALS: tuple[Goal, ...] = get_args(Goal)
_LEVELS = ("acceptable", "excellent")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Predictions:
    """Where a repository keeps its predictions, row by row.

    Attributes
    ----------
    path : str
        A table that a stage writes, from DVC's root.
    key : tuple of str
        The columns that tell its rows apart; none where the order of the rows does.
    target : str
        The column of the true values.
    score : str or None
        The column of the positive class's probability; of more than two classes, what the names
        of their columns begin with, before the class: ``p_`` of ``p_cat`` and ``p_dog``.
    predicted : str or None
        The column of the predicted class or value.
    task : {"binary", "multiclass", "regression"} or None
        None leaves it to the target's values.
    groups : tuple of str
        Columns of the same table whose slices are compared one by one.
    """

    path: str
    target: str
    key: tuple[str, ...] = ()
    score: str | None = None
    predicted: str | None = None
    task: Task | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """What ``fivefold.yaml`` says; the module's docstring shows every key."""

    metric: str | None = None
    goals: Mapping[str, Goal] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    guardrails: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    data: tuple[str, ...] | None = None
    predictions: Predictions | None = None

    @property
    def plan(self) -> Plan | None:
        """The part that judges runs, or None where no metric is named."""
        if self.metric is None:
            return None
        return Plan(self.metric, self.metrics, self.thresholds, self.guardrails)


def read_settings(reader: Reader, snapshot: Snapshot) -> Settings:
    """Read a revision's ``fivefold.yaml``; empty settings where it has none.

    Raises
    ------
    HistoryError
        Where the file can't be read, or a key or a value in it isn't one.
    """
    blob = snapshot.blob(SETTINGS)
    if blob is None:
        return Settings()
    found = reader.file(snapshot, SETTINGS, blob)
    if found.error:
        raise HistoryError("the settings can't be read", where=SETTINGS, got=found.error)
    return _settings(found.raw)


def plan_of(reader: Reader, snapshot: Snapshot) -> Plan | None:
    """Give a revision's plan: the one in its params, else what ``fivefold.yaml`` says.

    Raises
    ------
    HistoryError
        As `read_settings`.
    """
    params: Mapping[str, FileValues] = reader.params(snapshot)
    return read_plan(params) or read_settings(reader, snapshot).plan


def goals_of(
    reader: Reader, snapshot: Snapshot, plan: Plan | None, chosen: Mapping[str, Goal] | None = None
) -> Goals:
    """Give the directions of a revision's metrics: chosen, declared, known or guessed.

    Raises
    ------
    HistoryError
        As `read_settings`.
    """
    return Goals(plan, chosen or {}, read_settings(reader, snapshot).goals)


def _settings(raw: Any) -> Settings:
    known = [f.name for f in fields(Settings)]
    section = _mapping(raw, "", known)
    settings = Settings(
        metric=_optional(section, "metric", _text),
        goals=_optional(section, "goals", _goals) or {},
        metrics=_optional(section, "metrics", _names) or (),
        thresholds=_optional(section, "thresholds", _thresholds) or {},
        guardrails=_optional(section, "guardrails", _guardrails) or {},
        data=_optional(section, "data", _names),
        predictions=_optional(section, "predictions", _predictions),
    )
    for key in ("metrics", "thresholds", "guardrails"):
        if settings.metric is None and getattr(settings, key):
            raise HistoryError(
                f"{key} go with a metric that decides, and none is named",
                where=f"{SETTINGS}: {key}",
                hint=f"write in {SETTINGS}: metric: NAME",
            )
    _require_order(settings)
    return settings


def _require_order(settings: Settings) -> None:
    ends = settings.thresholds
    if settings.metric is None or len(ends) < len(_LEVELS):
        return
    goal = Goals(declared=settings.goals).direction(settings.metric).goal
    acceptable, excellent = (ends[level] for level in _LEVELS)
    if (goal == "maximize" and excellent < acceptable) or (
        goal == "minimize" and excellent > acceptable
    ):
        raise HistoryError(
            f"excellent is worse than acceptable, as {settings.metric} is to {goal}",
            where=f"{SETTINGS}: thresholds",
            got=f"acceptable {acceptable:g}, excellent {excellent:g}",
            hint=f"if less is better: goals: {{{settings.metric}: minimize}}"
            if goal == "maximize"
            else None,
        )


def _optional(section: Mapping[str, Any], key: str, read: Callable[[Any, str], _T]) -> _T | None:
    value = section.get(key)
    return None if value is None else read(value, key)


def _wrong(key: str, got: Any, what: str, allowed: str) -> HistoryError:
    where = f"{SETTINGS}: {key}" if key else SETTINGS
    return HistoryError(what, where=where, got=got, allowed=allowed)


def _mapping(value: Any, key: str, known: list[str]) -> Mapping[str, Any]:
    """Take a mapping with known keys only."""
    if not isinstance(value, Mapping):
        raise _wrong(key, value, f"{key or 'the file'} is not a mapping", ", ".join(known))
    for name in value:
        if name not in known:
            raise HistoryError(
                "there is no such key",
                where=f"{SETTINGS}: {key}" if key else SETTINGS,
                got=str(name),
                allowed=known,
                hint=nearest(str(name), known),
            )
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, value, f"{key} is not a name", "a text")
    return value


def _names(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(key, value, f"{key} is not a list", f"{key}: [NAME, ...]")
    return tuple(_text(item, f"{key}[{place}]") for place, item in enumerate(value))


def _one_of(value: Any, key: str, allowed: tuple[_T, ...]) -> _T:
    for choice in allowed:
        if choice == value:
            return choice
    raise HistoryError(
        f"{key} is none of those known",
        where=f"{SETTINGS}: {key}",
        got=value,
        allowed=map(str, allowed),
        hint=nearest(str(value), map(str, allowed)),
    )


def _goals(value: Any, key: str) -> dict[str, Goal]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "goals is not a mapping", "METRIC: maximize or minimize")
    return {str(name): _one_of(goal, f"{key}.{name}", _GOALS) for name, goal in value.items()}


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong(key, value, f"{key} is not a number", "a finite number")
    return float(value)


def _thresholds(value: Any, key: str) -> dict[str, float]:
    section = _mapping(value, key, list(_LEVELS))
    return {name: _number(section[name], f"{key}.{name}") for name in _LEVELS if name in section}


def _guardrails(value: Any, key: str) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        raise _wrong(
            key, value, "guardrails is not a mapping", "METRIC: {min: NUMBER, max: NUMBER}"
        )
    found = {}
    for metric, bounds in value.items():
        here = f"{key}.{metric}"
        section = _mapping(bounds, here, ["min", "max"])
        ends = {end: _number(limit, f"{here}.{end}") for end, limit in section.items()}
        if not ends or ends.get("min", -math.inf) > ends.get("max", math.inf):
            raise _wrong(here, bounds, "no value can be within", "min, max or both; min below max")
        found[str(metric)] = ends
    return found


def _predictions(value: Any, key: str) -> Predictions:
    section = _mapping(value, key, [f.name for f in fields(Predictions)])
    for name in ("path", "target"):
        if section.get(name) is None:
            raise HistoryError(f"{key} needs a {name}", where=f"{SETTINGS}: {key}.{name}")
    rows = section.get("key")
    return Predictions(
        path=_text(section["path"], f"{key}.path"),
        target=_text(section["target"], f"{key}.target"),
        key=(rows,) if isinstance(rows, str) else _names(rows or [], f"{key}.key"),
        score=_optional(section, "score", lambda item, name: _text(item, f"{key}.{name}")),
        predicted=_optional(section, "predicted", lambda item, name: _text(item, f"{key}.{name}")),
        task=_optional(section, "task", lambda item, name: _one_of(item, f"{key}.{name}", TASKS)),
        groups=_names(section.get("groups") or [], f"{key}.groups"),
    )
