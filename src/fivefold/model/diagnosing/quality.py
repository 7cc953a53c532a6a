"""Errors against the data's own quality: missing, outlying and unseen values.

Nothing here is searched for: each question stands before the losses are looked at. So all rows of
the test part answer, and Holm's correction for the number of questions is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.corrections import holm
from fivefold.model.diagnosing.attributes import Attribute, missing_mask
from fivefold.model.diagnosing.contrasts import contrast, mean_of
from fivefold.model.diagnosing.rows import Judged
from fivefold.table.arrays import floats

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["by_quality"]

Mask = NDArray[np.bool_]

_PERCENTILES = (0.01, 0.99)
_KINDS = ("missing", "outlying", "unseen")
# Rows with more such cells than this are counted together.
_MOST_CELLS = 3
# With fewer rows on a side the test of means says nothing.
_LEAST_ROWS = 20


def by_quality(judged: Judged, train: pa.Table, config: DiagnoseConfig) -> dict[str, Any]:
    """Compare the rows with a missing, outlying or unseen value with the rows without.

    Returns
    -------
    dict
        ``tested`` comparisons with ``least_rows`` on either side, their ``correction``; ``items``,
        the significant and then the largest differences first, each with its ``kind`` and
        ``columns``: features whose rows are the same, none: any of them; ``counts``: by kind the
        mean loss of the rows with 0, 1, 2, 3 or more such features.
    """
    cells = _cells(judged, train)
    masks: list[tuple[str, list[str], Mask]] = []
    counts = {}
    for kind in _KINDS:
        own = cells[kind]
        many = sum((mask.astype(np.intp) for mask in own.values()), np.zeros(len(judged), np.intp))
        counts[kind] = _by_count(judged, many, config)
        masks += _distinct(kind, {"": many > 0, **own})
    items = [_compared(judged, *one, config) for one in masks]
    tested = [item for item in items if item["p_value"] is not None]
    for item, value in zip(tested, holm([item["p_value"] for item in tested]), strict=True):
        item["adjusted"] = value
        item["significant"] = value < 1 - config.confidence
    items.sort(key=lambda item: (not item["significant"], -(item["difference"] or 0.0)))
    return {
        "tested": len(tested),
        "least_rows": _LEAST_ROWS,
        "correction": "Holm",
        "outlying": {"percentiles": list(_PERCENTILES)},
        "items": items,
        "counts": counts,
    }


def _distinct(kind: str, masks: dict[str, Mask]) -> list[tuple[str, list[str], Mask]]:
    """Put columns together that have the same rows: one question is one test."""
    found: list[tuple[str, list[str], Mask]] = []
    for name, mask in masks.items():
        if not mask.any():
            continue
        same = next((one for one in found if np.array_equal(one[2], mask)), None)
        if same is None:
            found.append((kind, [name] if name else [], mask))
        else:
            same[1].append(name)
    return found


def _cells(judged: Judged, train: pa.Table) -> dict[str, dict[str, Mask]]:
    """Say, by kind and feature, which rows have such a value."""
    features = set(judged.schema.features)
    own = [item for item in judged.attributes if item.column in features and not item.part]
    numbers = [
        item.column
        for item in own
        if judged.schema.columns[item.column].dtype in ("integer", "number")
    ]
    return {
        "missing": {item.column: missing_mask(item) for item in own},
        "outlying": {name: _outlying(train[name], judged.test[name]) for name in numbers},
        "unseen": {item.column: _unseen(item) for item in own if not item.ordered},
    }


def _outlying(train: pa.ChunkedArray, test: pa.ChunkedArray) -> Mask:
    """Which values lie beyond nearly all of the training part's."""
    learnt, seen = floats(train), floats(test)
    learnt = learnt[~np.isnan(learnt)]
    if not len(learnt):
        return np.zeros(len(seen), dtype=bool)
    low, high = np.quantile(learnt, _PERCENTILES, method="inverted_cdf")
    result: Mask = (seen < low) | (seen > high)
    return result


def _unseen(item: Attribute) -> Mask:
    places: Sequence[int] = [at for at, code in enumerate(item.meaning) if code.op == "unseen"]
    return np.isin(item.codes, places)


def _compared(
    judged: Judged, kind: str, columns: list[str], mask: Mask, config: DiagnoseConfig
) -> dict[str, Any]:
    found = contrast(judged.loss.values, mask, ~mask, judged.numbers)
    enough = min(found.rows, found.rows_outside) >= _LEAST_ROWS and found.difference.freedom > 0
    ends = found.difference.interval(config.confidence) if enough else None
    return {
        "kind": kind,
        "columns": columns,
        "rows": found.rows,
        "share": found.rows / len(judged),
        "loss": found.inside,
        "loss_without": found.outside if found.rows_outside else None,
        "difference": found.difference.value if found.rows_outside else None,
        "low": None if ends is None else ends[0],
        "high": None if ends is None else ends[1],
        "effect_size": found.effect_size,
        "p_value": found.difference.p_value if enough else None,
        "adjusted": None,
        "significant": False,
    }


def _by_count(
    judged: Judged, many: NDArray[np.intp], config: DiagnoseConfig
) -> list[dict[str, Any]]:
    found = []
    capped = np.minimum(many, _MOST_CELLS)
    for number in range(_MOST_CELLS + 1):
        rows = np.flatnonzero(capped == number)
        if not len(rows):
            continue
        blocks = None if judged.numbers is None else judged.numbers[rows]
        mean = mean_of(judged.loss.values[rows], blocks)
        ends = mean.interval(config.confidence) or (None, None)
        more = number == _MOST_CELLS
        found.append(
            {
                "features": number,
                "or_more": more,
                "rows": len(rows),
                "loss": mean.value,
                "low": ends[0],
                "high": ends[1],
            }
        )
    return found
