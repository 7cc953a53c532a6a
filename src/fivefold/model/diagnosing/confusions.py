"""Which classes are taken for which, and what those rows have in common."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.corrections import holm
from fivefold.model.diagnosing.contrasts import Mean, contrast
from fivefold.model.diagnosing.rows import Judged, plain
from fivefold.model.diagnosing.search import Slice, find_slices

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["confusions"]

Mask = NDArray[np.bool_]

# Rows of the true class within and without a condition, in each half.
_MIN_ROWS = 25


def confusions(judged: Judged, config: DiagnoseConfig) -> list[dict[str, Any]] | None:
    """Count the most frequent confusions, and find the one condition that tells each best.

    Among the rows of the true class, a condition is looked for under which the confusion is more
    frequent: on the half of the rows that is searched, and judged on the other.

    Returns
    -------
    list of dict, or None for regression
        The most frequent first: ``true``, ``predicted``, ``rows``, their share of all rows, of the
        errors and of the true class, and ``condition``: None where none is confirmed, else its
        text and the confusion's rate within and without it.
    """
    p = judged.predictions
    if p.label is None:
        return None
    true, predicted = plain(p.y_true.tolist()), plain(p.label.tolist())
    pairs = Counter(pair for pair in zip(true, predicted, strict=True) if pair[0] != pair[1])
    errors = sum(pairs.values())
    order = sorted(pairs, key=lambda pair: (-pairs[pair], str(pair)))[: config.confusions]
    of_class = Counter(true)
    found = [
        {
            "true": pair[0],
            "predicted": pair[1],
            "rows": pairs[pair],
            "share": pairs[pair] / len(judged),
            "share_of_errors": pairs[pair] / errors,
            "share_of_class": pairs[pair] / of_class[pair[0]],
            "condition": None,
        }
        for pair in order
    ]
    told = [_condition(judged, pair) for pair in order]
    adjusted = holm([1.0 if one is None else one[1] for one in told])
    for item, one, value in zip(found, told, adjusted, strict=True):
        if one is not None and value < 1 - config.confidence:
            item["condition"] = {**one[0], "adjusted": value}
    return found


def _condition(judged: Judged, pair: tuple[Any, Any]) -> tuple[dict[str, Any], float] | None:
    p = judged.predictions
    of_class: Mask = p.y_true == pair[0]
    confused = (of_class & (np.asarray(p.label) == pair[1])).astype(np.float64)
    candidates = find_slices(
        judged.attributes,
        confused,
        of_class & judged.searched,
        depth=1,
        beam=1,
        min_rows=_MIN_ROWS,
        most=1,
        blocks=judged.numbers,
    ).slices
    if not candidates:
        return None
    best: Slice = candidates[0]
    rest = of_class & ~judged.searched
    inside = best.mask
    own = contrast(confused, inside & rest, ~inside & rest, judged.numbers)
    difference: Mean = own.difference
    told = {
        "text": best.text,
        **best.conditions[0].to_json(),
        "rate": own.inside,
        "rate_outside": own.outside,
    }
    return told, difference.p_greater if not math.isnan(difference.value) else 1.0
