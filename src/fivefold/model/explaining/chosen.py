"""The rows whose prediction is taken apart: by key, or by how the model did on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, nearest
from fivefold.model.explaining.importance import random_of
from fivefold.model.explaining.probe import outputs_of
from fivefold.scoring import Predictions
from fivefold.table import TableSchema, bound, to_arrow

__all__ = ["chosen_rows", "keys_of"]


def keys_of(test: nw.LazyFrame[Any], key: Sequence[str]) -> list[dict[str, Any]]:
    """Give each row's key as JSON's types; its position where there is no key."""
    if not key:
        count = to_arrow(test.select(nw.len())).column(0)[0].as_py()
        return [{"row": index} for index in range(count)]
    return [
        {name: _told(value) for name, value in row.items()}
        for row in to_arrow(test.select(*key)).to_pylist()
    ]


def _told(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def chosen_rows(
    keys: Sequence[Mapping[str, Any]],
    predictions: Predictions,
    rows: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, int],
    *,
    schema: TableSchema,
    seed: int,
    threshold: float,
) -> list[tuple[int, str]]:
    """Choose rows, each once, with the reason.

    Parameters
    ----------
    keys : sequence of mapping, shape (n_rows,)
        Of :func:`keys_of`.
    predictions : Predictions
        Of the same rows.
    rows : sequence of mapping
        Keys that were asked for.
    chosen : mapping of str to int
        How many more by each way of choosing.
    schema : TableSchema
        The types of the key's columns.
    seed : int
    threshold : float
        What is borderline for two classes.

    Raises
    ------
    ConfigError
        No row, or more than one, has a key that was asked for.
    """
    found: dict[int, str] = {}
    for number, asked in enumerate(rows):
        for row in _matching(keys, asked, schema, f"explain.rows[{number}]"):
            found.setdefault(row, "asked for")
    orders = _orders(predictions, seed, threshold)
    for way, count in chosen.items():
        # A row that two ways would take is told once, and each way still gives its number.
        left = [int(row) for row in orders[way] if int(row) not in found]
        for row in left[:count]:
            found[row] = way
    return list(found.items())


def _matching(
    keys: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], schema: TableSchema, where: str
) -> list[int]:
    known = list(keys[0]) if keys else []
    for name in asked:
        if name not in known:
            raise ConfigError(
                f"the key has no column {name!r}", where=where, got=name, allowed=known,
                hint=nearest(name, known),
            )  # fmt: skip
    wanted = {name: _comparable(name, value, schema) for name, value in asked.items()}
    hits = [
        index
        for index, key in enumerate(keys)
        if all(_comparable(name, key[name], schema) == value for name, value in wanted.items())
    ]
    if asked and len(hits) == 1:
        return hits
    raise ConfigError(
        "no row of the test part has this key"
        if not hits
        else f"{len(hits):,} rows of the test part have this key",
        where=where,
        got=", ".join(f"{name}: {value}" for name, value in asked.items()) or "an empty key",
        allowed=f"one row, by {', '.join(known)}",
        hint="look for it in data/test.parquet; rows of other parts can't be asked for"
        if not hits
        else "name all columns of the key",
    )


def _comparable(name: str, value: Any, schema: TableSchema) -> Any:
    column = schema.columns.get(name)
    if column is not None and column.dtype in ("date", "datetime") and value is not None:
        return bound(column.dtype, value)
    return str(value) if column is not None and column.dtype == "string" else value


def _orders(predictions: Predictions, seed: int, threshold: float) -> dict[str, NDArray[np.intp]]:
    outputs = outputs_of(predictions)
    n_rows = len(outputs)
    # The score, or of many classes how sure the model is.
    score = outputs[:, 0] if outputs.shape[1] == 1 else outputs.max(axis=1)
    if outputs.shape[1] > 1:
        top = np.sort(outputs, axis=1)
        doubt = top[:, -2] - top[:, -1]
    else:
        middle = float(np.median(score)) if predictions.value is not None else threshold
        doubt = -np.abs(score - (middle if predictions.probabilistic else 0.0))
    order = {
        "worst": _loss(predictions, outputs),
        "highest": score,
        "lowest": -score,
        "borderline": doubt,
    }
    found = {
        name: np.lexsort((np.arange(n_rows), -np.asarray(values))).astype(np.intp)
        for name, values in order.items()
    }
    found["random"] = random_of(seed, "chosen").permutation(n_rows).astype(np.intp)
    return found


def _loss(predictions: Predictions, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give how wrong each prediction is: the error, or how far the true class's score is."""
    if predictions.value is not None:
        result: NDArray[np.float64] = np.abs(predictions.y_true - predictions.value)
        return result
    classes = np.asarray(predictions.classes)
    if outputs.shape[1] == 1:
        positive = predictions.y_true == classes[-1]
        return np.where(positive, -outputs[:, 0], outputs[:, 0])
    true = predictions.y_true[:, None] == classes[None, :]
    # A class that training never held has no score: it can't be more wrong.
    return -np.where(true.any(axis=1), (outputs * true).sum(axis=1), -np.inf)
