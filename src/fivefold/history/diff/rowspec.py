"""Where a revision keeps its predictions, row by row.

A Fivefold project's evaluation writes them; any other repository says in ``fivefold.yaml`` where
its own are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.errors import HistoryError
from fivefold.history.conventions import PREDICTIONS_FILE
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader
from fivefold.history.settings import read_settings
from fivefold.metrics import TASKS, Task

__all__ = ["RowSpec", "row_key", "row_spec"]


@dataclass(frozen=True)
class RowSpec:
    """Where predictions are, and which column holds what.

    Attributes
    ----------
    path : str
        From DVC's root.
    key : tuple of str
        Columns that tell the rows apart; empty where their order does.
    target : str
    task : {"binary", "multiclass", "regression"} or None
        None leaves it to the target's values.
    score, predicted : str or None
        For more classes `score` begins the names of columns that end in the class.
    groups : tuple of str
        Columns to compare by, in this table or in `groups_in`.
    groups_in : str or None
        A table with the same key.
    ours : bool
        Written by Fivefold's evaluation: the columns' order tells scores and prediction.
    """

    path: str
    key: tuple[str, ...]
    target: str
    task: Task | None
    score: str | None = None
    predicted: str | None = None
    groups: tuple[str, ...] = ()
    groups_in: str | None = None
    ours: bool = False


def row_spec(reader: Reader, revision: Revision) -> RowSpec | None:
    """Say where a revision's predictions are, or None where nothing tells."""
    snapshot = reader.repository.snapshot(revision)
    try:
        declared = read_settings(reader, snapshot).predictions
    except HistoryError:
        # The diff's notes tell what is wrong with the file.
        declared = None
    if declared is not None:
        return RowSpec(
            declared.path,
            declared.key,
            declared.target,
            declared.task,
            declared.score,
            declared.predicted,
            declared.groups,
        )
    spec = _of_plan(reader, revision)
    return spec if spec and reader.vouched(snapshot, spec.path) is not None else None


def row_key(reader: Reader, revision: Revision) -> tuple[str, ...]:
    """Name the columns that tell a revision's rows apart, in whatever table; empty if unknown."""
    spec = row_spec(reader, revision) or _of_plan(reader, revision)
    return spec.key if spec else ()


def _of_plan(reader: Reader, revision: Revision) -> RowSpec | None:
    for file in reader.params(reader.repository.snapshot(revision)).values():
        spec = _planned(file.raw)
        if spec is not None:
            return spec
    return None


def _planned(raw: Any) -> RowSpec | None:
    plan, evaluate = (_section(raw, name) for name in ("plan", "evaluate"))
    task, target = plan.get("task"), plan.get("target")
    if task not in TASKS or not isinstance(target, str):
        return None
    inputs = _section(evaluate, "inputs")
    test = inputs.get("test")
    return RowSpec(
        PREDICTIONS_FILE,
        _texts(evaluate.get("key")),
        target,
        task,
        groups=_texts(evaluate.get("groups")),
        groups_in=test if isinstance(test, str) else None,
        ours=True,
    )


def _section(raw: Any, name: str) -> Mapping[str, Any]:
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
