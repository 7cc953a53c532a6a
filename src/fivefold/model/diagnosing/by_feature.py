"""Loss and residual over every column: which of them says where the model errs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.model.diagnosing.attributes import Attribute, Condition
from fivefold.model.diagnosing.contrasts import mean_of
from fivefold.model.diagnosing.rows import Judged
from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["by_feature", "explained"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def by_feature(judged: Judged, config: DiagnoseConfig) -> list[dict[str, Any]]:
    """Give the mean loss and residual in each bin or category of each column.

    Returns
    -------
    list of dict
        The column that explains most of the loss first; of one of dates, one per part. Its bins
        are in the order of the numbers, or the most frequent category first; what no row has is
        left out.
    """
    found = [_column(judged, item, config) for item in judged.attributes]
    found.sort(key=lambda item: -max(item["explained"], item["explained_residual"] or 0.0))
    return found


def explained(values: Floats, codes: Codes) -> float:
    """Give the share of the variance that lies between groups, free of what chance alone gives.

    Notes
    -----
    Epsilon squared, at least 0: T. L. Kelley, "An unbiased correlation ratio measure",
    *Proceedings of the National Academy of Sciences* 21 (1935).
    """
    sizes = np.bincount(codes)
    groups = int(np.count_nonzero(sizes))
    centred = values - values.mean()
    total = float(np.sum(centred**2))
    if total <= 0 or groups < 2 or len(values) <= groups:
        return 0.0
    sums = np.bincount(codes, weights=centred)
    between = float(np.sum(sums[sizes > 0] ** 2 / sizes[sizes > 0]))
    within = (total - between) / (len(values) - groups)
    return max(0.0, 1 - within * (len(values) - 1) / total)


def _column(judged: Judged, item: Attribute, config: DiagnoseConfig) -> dict[str, Any]:
    loss, residual = judged.loss.values, judged.loss.residual
    bins = [_bin(judged, item, code, config) for code in range(len(item.meaning))]
    return {
        "feature": item.title,
        "column": item.column,
        "part": item.part or None,
        "explained": explained(loss, item.codes),
        "explained_residual": None if residual is None else explained(residual, item.codes),
        "pooled": item.pooled,
        "bins": [one for one in bins if one is not None],
    }


def _bin(judged: Judged, item: Attribute, code: int, config: DiagnoseConfig) -> Any:
    rows = np.flatnonzero(item.codes == code)
    if not len(rows):
        return None
    text = _label(item, code)
    told: dict[str, Any] = {"bin": text, "rows": len(rows)}
    for name, values in (("loss", judged.loss.values), ("residual", judged.loss.residual)):
        if values is None:
            told[name] = None
            continue
        blocks = None if judged.numbers is None else judged.numbers[rows]
        mean = mean_of(values[rows], blocks)
        ends = mean.interval(config.confidence) or (None, None)
        told[name] = {"mean": mean.value, "low": ends[0], "high": ends[1]}
    return told


def _label(item: Attribute, code: int) -> str:
    """Give a condition's text without the column's name, which stands above it."""
    if item.ordered == 1 and code == 0:
        return "any value"
    ends = item.meaning[code]
    if not (item.whole or ends.above is None or ends.up_to is None):
        return f"{form.value(ends.above, 4)} to {form.value(ends.up_to, 4)}"
    text = Condition(item, code, code).text.removeprefix(item.title).strip()
    return text.removeprefix("= ").removeprefix("is ").removeprefix("from ")
