"""Steps in two: what is learnt from the training rows, and what is then done to every row.

A step that learns is marked with the function that does the learning::

    def typical(training, column):
        return {"median": ...}

    @fitted(typical)
    def clip_to_typical(table, column, statistics):
        return table.with_columns(...)

The learning function sees the training rows only, and never the target. It is called with those of
the step's arguments that it has parameters for; what it gives is the step's ``statistics``, and
stands in the audit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import narwhals as nw
import pyarrow as pa

from fivefold.callables import Call
from fivefold.data.steps import as_asked
from fivefold.data.training import TRAINING
from fivefold.data.values import plain, rounded, rows_of
from fivefold.errors import ConfigError
from fivefold.table.engine import names_of

__all__ = [
    "fitted",
    "is_fitted",
    "learnt",
    "readable",
    "require_no_target",
    "told_training",
    "wants_training",
]

Step = TypeVar("Step", bound=Callable[..., Any])

_MOST_SHOWN = 20


def fitted(learn: Callable[..., Any]) -> Callable[[Step], Step]:
    """Mark a step that learns from other rows.

    Parameters
    ----------
    learn : callable
        Takes the training rows, without the target, as the kind of table that the annotation of its
        first parameter says; gives the statistics.
    """

    def mark(step: Step) -> Step:
        step.__dict__["learn"] = learn
        return step

    return mark


def told_training(when: Callable[..., bool]) -> Callable[[Step], Step]:
    """Mark a step that must know which rows are for training, whatever it learns.

    Its parameter ``training`` gets the name of the column of truths that tells, or None.

    Parameters
    ----------
    when : callable
        Takes the step's arguments by name, and ``split``, the split's section: must it know?
    """

    def mark(step: Step) -> Step:
        step.__dict__["training"] = when
        return step

    return mark


def wants_training(call: Call, split: Mapping[str, Any]) -> bool:
    """Tell whether a step must know which rows are for training."""
    if is_fitted(call.function):
        return True
    when = getattr(call.function, "training", None)
    return when is not None and bool(when(split=split, **call.arguments))


def is_fitted(function: Callable[..., Any]) -> bool:
    """Tell whether a step learns from other rows."""
    return getattr(function, "learn", None) is not None


def learnt(call: Call, marked: nw.LazyFrame[Any], target: str, engine: str) -> Any:
    """Learn a step's statistics from the training rows.

    Parameters
    ----------
    call : Call
        The step.
    marked : narwhals.LazyFrame
        The table with the column ``TRAINING``.
    target : str
        Kept from the step's eyes.
    engine : str
        What runs the steps.

    Raises
    ------
    FivefoldError
        The learning function's own, with the place in ``conf/``.
    """
    learn: Callable[..., Any] = call.function.learn  # type: ignore[attr-defined]
    hidden = [name for name in (TRAINING, target) if name in names_of(marked)]
    training = marked.filter(nw.col(TRAINING)).drop(*hidden)
    parameters = list(inspect.signature(learn).parameters)[1:]
    known = {name: value for name, value in call.arguments.items() if name in parameters}
    return Call(call.name, learn, known, call.declared, call.where)(
        as_asked(training, learn, engine)
    )


def require_no_target(call: Call, target: str) -> None:
    """Raise where a step that learns is told to learn from the target.

    Raises
    ------
    ConfigError
        An argument names the target.
    """
    for name, value in call.declared.items():
        if target in _texts(value):
            raise ConfigError(
                "a step that learns from other rows must not learn from the target",
                where=f"{call.where}.{name} ({call.name})",
                got=f"{target}, which is predicted: the answers would stand in the features",
                hint="a step that needs the target belongs into the model's own preprocessing, "
                "which is fitted on the training part of each fold",
            )


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, Sequence):
        return [text for item in value for text in _texts(item)]
    return []


def readable(statistics: Any) -> Any:
    """Give statistics as the audit shows them: numbers rounded, long lists cut."""
    if isinstance(statistics, Mapping):
        return {str(key): readable(value) for key, value in statistics.items()}
    if isinstance(statistics, pa.Table):
        shown = rows_of(statistics.slice(0, _MOST_SHOWN))
        return {"groups": statistics.num_rows, "first": [readable(row) for row in shown]}
    if isinstance(statistics, list | tuple):
        shown = [readable(value) for value in statistics[:_MOST_SHOWN]]
        more = len(statistics) - len(shown)
        return [*shown, f"and {more:,} more"] if more else shown
    if isinstance(statistics, float):
        return rounded(statistics)
    value = plain(statistics)
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
