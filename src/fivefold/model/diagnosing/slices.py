"""The worst slices: found on one half of the rows, judged on the other.

What was picked for its loss looks worse than it is, the more so the more was looked at. The half
that judges had no part in the picking, so its tests need a correction only for the slices that it
is asked about: D. R. Cox, "A note on data-dependence and the evaluation of significance levels",
*Biometrika* 62 (1975).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.corrections import holm
from fivefold.model.diagnosing.contrasts import Contrast, contrast
from fivefold.model.diagnosing.rows import Judged
from fivefold.model.diagnosing.search import Slice, find_slices
from fivefold.scoring import bootstrap, score

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["worst_slices"]

Mask = NDArray[np.bool_]
# The slice, its contrast, its p-value and the corrected one.
_Confirmed = tuple[Slice, Contrast, float, float]

# Of two slices that share so much of their rows, the worse is told.
_ALIKE = 0.5


def worst_slices(judged: Judged, config: DiagnoseConfig) -> tuple[list[dict[str, Any]], Any]:
    """Find the slices whose rows cost more than the others, and prove it.

    Returns
    -------
    list of dict
        The confirmed ones; first those whose mean loss is most surely far above that of all rows.
    dict
        How they were searched: rows, slices looked at, candidates, the correction.
    """
    least = least_rows(len(judged), config)
    how: dict[str, Any] = {
        "depth": config.depth,
        "min_rows": least,
        "searched_rows": int(judged.searched.sum()),
        "judged_rows": int((~judged.searched).sum()),
        "looked_at": [],
        "candidates": 0,
        "confirmed": 0,
        "correction": "Holm",
        "level": round(1 - config.confidence, 12),
        "note": _in_the_way(judged, least),
    }
    if how["note"]:
        return [], how
    found = find_slices(
        judged.attributes,
        judged.loss.values,
        judged.searched,
        depth=config.depth,
        beam=config.beam,
        min_rows=math.ceil(least / 2),
        most=2 * config.slices,
        blocks=judged.numbers,
    )
    contrasts = [_contrast(judged, item) for item in found.slices]
    p_values = [
        _p_value(judged, item, own) for item, own in zip(found.slices, contrasts, strict=True)
    ]
    adjusted = holm(p_values)
    confirmed = [
        (item, own, p, adjusted[at])
        for at, (item, own, p) in enumerate(zip(found.slices, contrasts, p_values, strict=True))
        if adjusted[at] < 1 - config.confidence
    ]
    how |= {
        "looked_at": found.looked_at,
        "candidates": len(found.slices),
        "confirmed": len(confirmed),
    }
    confirmed.sort(key=lambda one: (-_lower(one[1], config), one[0].text))
    told = _apart(judged, confirmed, config)
    return [_told(judged, one, config) for one in told], how


def least_rows(rows: int, config: DiagnoseConfig) -> int:
    """Give the rows that a slice needs, of all rows of the test part."""
    return max(config.min_rows, math.ceil(config.min_share * rows))


def _in_the_way(judged: Judged, least: int) -> str | None:
    values = judged.loss.values
    if values.max() == values.min():
        return f"every row has the same {judged.loss.title}: there is nothing to find"
    if len(judged) < 4 * least:
        return (
            f"the test part has {len(judged):,} rows, too few to search one half and judge on the "
            f"other for slices of {least:,} rows"
        )
    if not any(len(item.low) for item in judged.attributes):
        return "no column makes slices"
    return None


def _contrast(judged: Judged, item: Slice) -> Contrast:
    inside, rest = item.mask, ~judged.searched
    return contrast(judged.loss.values, inside & rest, ~inside & rest, judged.numbers)


def _p_value(judged: Judged, item: Slice, own: Contrast) -> float:
    """Test whether a slice is worse than the others, and than the rest of each simpler one.

    All of it must hold, so the largest p-value stands for it: R. L. Berger, "Multiparameter
    hypothesis testing and acceptance sampling", *Technometrics* 24 (1982).
    """
    inside, rest = item.mask, ~judged.searched
    found = [own.difference.p_greater]
    for parent in item.parents:
        sibling = parent.mask & ~inside & rest
        gained = contrast(judged.loss.values, inside & rest, sibling, judged.numbers)
        found.append(gained.difference.p_greater)
    return max(found)


def _lower(own: Contrast, config: DiagnoseConfig) -> float:
    """Give how far the mean loss lies above that of all rows, at the lower end of its interval."""
    ends = own.difference.interval(config.confidence)
    share = own.rows_outside / (own.rows + own.rows_outside)
    return -math.inf if ends is None else ends[0] * share


def _apart(judged: Judged, confirmed: list[_Confirmed], config: DiagnoseConfig) -> list[_Confirmed]:
    """Leave out slices that say nothing beyond the worse ones."""
    kept: list[_Confirmed] = []
    for one in confirmed:
        if len(kept) == config.slices:
            break
        if not any(_alike(one[0], other[0]) for other in kept) and _adds(judged, one, kept, config):
            kept.append(one)
    return kept


def _alike(one: Slice, other: Slice) -> bool:
    """Say if two share half of their rows, or of the smaller's rows over the same columns."""
    mask, theirs = one.mask, other.mask
    both = np.count_nonzero(mask & theirs)
    columns = [{part.attribute.title for part in item.conditions} for item in (one, other)]
    if columns[0] == columns[1]:
        return bool(both >= _ALIKE * min(np.count_nonzero(mask), np.count_nonzero(theirs)))
    return bool(both >= _ALIKE * np.count_nonzero(mask | theirs))


def _adds(
    judged: Judged, one: _Confirmed, kept: Sequence[_Confirmed], config: DiagnoseConfig
) -> bool:
    """Say if the slice's rows that no worse slice has are worse than those that none has."""
    if not kept:
        return True
    held = np.logical_or.reduce([item.mask for item, *_ in kept])
    left, mask = ~held & ~judged.searched, one[0].mask
    own = contrast(judged.loss.values, mask & left, ~mask & left, judged.numbers)
    return own.difference.p_greater < 1 - config.confidence


def _told(judged: Judged, one: _Confirmed, config: DiagnoseConfig) -> dict[str, Any]:
    item, own, p_value, adjusted = one
    mask = item.mask
    ends = own.difference.interval(config.confidence) or (None, None)
    return {
        "slice": item.text,
        "conditions": [condition.to_json() for condition in item.conditions],
        "rows": int(mask.sum()),
        "share": float(mask.mean()),
        "judged_rows": own.rows,
        "mean_loss": own.inside,
        "rest_loss": own.outside,
        "difference": own.difference.value,
        "low": ends[0],
        "high": ends[1],
        "effect_size": own.effect_size,
        "p_value": p_value,
        "adjusted": adjusted,
        "metric": _metric(judged, mask & ~judged.searched, config),
    }


def _metric(judged: Judged, rows: Mask, config: DiagnoseConfig) -> dict[str, Any]:
    """Give the primary metric on the slice's rows that judge it."""
    name = judged.objective.primary_metric
    inside = judged.predictions.take(rows)
    ends = bootstrap(
        [name],
        inside,
        n_resamples=config.resamples,
        seed=config.seed,
        confidence=config.confidence,
    )[name]
    return {"name": name, "value": score(name, inside), "interval": ends}
