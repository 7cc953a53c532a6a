"""What the model does when its input changes: noise, gaps, shifted numbers, odd categories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fivefold.errors import ModelError
from fivefold.features import MISSING_CATEGORY
from fivefold.model.explaining.columns import is_missing
from fivefold.model.explaining.importance import Asked, random_of
from fivefold.model.explaining.probe import Probe, Resampled, Rows, outputs_of
from fivefold.scoring import Predictions, percentiles

if TYPE_CHECKING:
    from fivefold.model.explaining.settings import Robustness
    from fivefold.table import TableSchema

__all__ = ["shaken"]

Change = Callable[["pd.Series[Any]", np.random.Generator], Any]

_ALL = None


@dataclass(frozen=True)
class _Scenario:
    """One kind and level of change, and what it does to each column it can be done to."""

    kind: str
    level: float | None
    changes: Mapping[str, Change]


def shaken(
    probe: Probe,
    rows: Rows,
    train: pd.DataFrame,
    schema: TableSchema,
    settings: Robustness,
    asked: Asked,
) -> dict[str, Any]:
    """Change the input in each declared way, one column at a time and all together.

    Parameters
    ----------
    probe : Probe
    rows : Rows
        Rows that no fit saw.
    train : pandas.DataFrame
        The training features: their deviations and categories are what changes are measured in.
    schema : TableSchema
        Numbers stay within its bounds, whole ones stay whole.
    settings : Robustness
    asked : Asked

    Returns
    -------
    dict
        ``rows``, the ``value`` of the metric before, and ``changes``: ``kind``, ``level``,
        ``feature`` (null for all together); ``worse``, how much worse the metric became, with
        ``interval`` over resamples of the rows, null where undefined; ``flipped``, the share of
        labels that changed, null for regression; ``moved``, the mean absolute change of the
        prediction; ``error``, where the model can't predict. Those of all columns first, then the
        worst.
    """
    before = probe.predicted(rows)
    resampled = Resampled(probe.objective.primary_metric, len(rows), asked.resamples, asked.seed)
    judge = _Judge(probe, before, resampled, asked.confidence)
    found = []
    for scenario in _scenarios(train, schema, settings):
        columns = list(scenario.changes)
        every: list[tuple[str | None, list[str]]] = [(name, [name]) for name in columns]
        if len(columns) > 1:
            every.insert(0, (_ALL, columns))
        for feature, some in every:
            changed = {
                name: scenario.changes[name](
                    rows.features[name],
                    random_of(asked.seed, scenario.kind, scenario.level, name),
                )
                for name in some
            }
            after = Rows(rows.features.assign(**changed), rows.y)
            told = {"kind": scenario.kind, "level": scenario.level, "feature": feature}
            found.append({**told, **judge.of(after)})
    return {"rows": len(rows), "value": probe.score(before), "changes": sorted(found, key=_rank)}


def _rank(item: Mapping[str, Any]) -> tuple[Any, ...]:
    worse = np.inf if item["error"] else item["worse"]
    return (
        item["feature"] is not None,
        0.0 if worse is None else -worse,
        -(item["moved"] or 0.0),
        item["kind"],
        str(item["level"]),
        str(item["feature"]),
    )


class _Judge:
    """Compares predictions with those before."""

    def __init__(
        self, probe: Probe, before: Predictions, resampled: Resampled, confidence: float
    ) -> None:
        self._probe, self._resampled, self._confidence = probe, resampled, confidence
        self._before, self._value = before, probe.score(before)
        self._drawn, self._outputs = resampled.of(before), outputs_of(before)

    def of(self, rows: Rows) -> dict[str, Any]:
        try:
            after = self._probe.predicted(rows)
        except ModelError as error:
            # That it can't is what was asked, and no end of the stage.
            nothing = dict.fromkeys(("worse", "interval", "flipped", "moved"))
            return {**nothing, "error": str(error.got or error.what).splitlines()[0]}
        value = self._probe.score(after)
        worse = interval = None
        if value is not None and self._value is not None:
            worse = float(self._probe.worsening(self._value, value))
            drawn = self._probe.worsening(self._drawn, self._resampled.of(after))
            interval = percentiles(drawn, self._confidence)
        flipped = None
        if after.label is not None and self._before.label is not None:
            flipped = float((after.label != self._before.label).mean())
        moved = float(np.abs(outputs_of(after) - self._outputs).mean())
        return {
            "worse": worse,
            "interval": interval,
            "flipped": flipped,
            "moved": moved,
            "error": None,
        }


def _scenarios(
    train: pd.DataFrame, schema: TableSchema, settings: Robustness
) -> Iterator[_Scenario]:
    numbers = {
        name: deviation
        for name in schema.numeric_features
        if schema.columns[name].dtype != "boolean"
        and (deviation := float(np.nan_to_num(train[name].std()))) > 0
    }
    for level in settings.noise:
        yield _Scenario(
            "noise", level,
            {n: _noise(level * d, schema, n) for n, d in numbers.items()},
        )  # fmt: skip
    for size in settings.shift:
        for level in (size, -size):
            yield _Scenario(
                "shift", level,
                {n: _moved(level * d, schema, n) for n, d in numbers.items()},
            )  # fmt: skip
    for level in settings.missing:
        yield _Scenario("missing", level, {name: _gone(level) for name in schema.features})
    if settings.categories:
        strings = schema.categorical_features
        yield _Scenario("unseen", None, {n: _replaced(_unseen(train[n])) for n in strings})
        told = [n for n in schema.features if n not in numbers]
        frequent = {n: f for n in told if (f := _most_frequent(train[n])) is not None}
        yield _Scenario("most frequent", None, {n: _replaced(f) for n, f in frequent.items()})


def _within(values: NDArray[np.float64], schema: TableSchema, name: str) -> NDArray[np.float64]:
    """Keep changed numbers plausible: within the schema's bounds, whole where it says so."""
    column = schema.columns[name]
    if column.dtype == "integer":
        values = np.round(values)
    low = -np.inf if column.min is None else float(column.min)
    high = np.inf if column.max is None else float(column.max)
    return np.clip(values, low, high)


def _noise(deviation: float, schema: TableSchema, name: str) -> Change:
    def change(values: pd.Series[Any], drawn: np.random.Generator) -> Any:
        given = values.to_numpy(dtype=np.float64)
        return _within(given + drawn.normal(0, deviation, len(given)), schema, name)

    return change


def _moved(by: float, schema: TableSchema, name: str) -> Change:
    def change(values: pd.Series[Any], drawn: np.random.Generator) -> Any:  # noqa: ARG001
        return _within(values.to_numpy(dtype=np.float64) + by, schema, name)

    return change


def _gone(share: float) -> Change:
    def change(values: pd.Series[Any], drawn: np.random.Generator) -> Any:
        result = values.to_numpy(copy=True)
        result[drawn.random(len(result)) < share] = (
            MISSING_CATEGORY if values.dtype == object else np.nan
        )
        return result

    return change


def _replaced(by: Any) -> Change:
    def change(values: pd.Series[Any], drawn: np.random.Generator) -> Any:  # noqa: ARG001
        return np.full(len(values), by, dtype=object if values.dtype == object else np.float64)

    return change


def _unseen(train: pd.Series[Any]) -> str:
    known: Sequence[Any] = train.unique().tolist()
    name = "never seen"
    while name in known:
        name += "_"
    return name


def _most_frequent(train: pd.Series[Any]) -> Any:
    known = train[~is_missing(train)]
    if not len(known):
        return None
    counts = known.value_counts()
    return min(counts.index, key=lambda value: (-counts[value], value))
