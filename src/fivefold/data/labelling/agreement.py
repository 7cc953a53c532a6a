"""How far annotators agree beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha.

Each comes with a 95 % interval by the jackknife over items (Quenouille, 1956; Tukey, 1958), which
needs no random numbers. Items with the same votes weigh together, so that the cost is that of the
patterns and not of the items: the packages ``krippendorff`` and ``statsmodels``, against which the
tests hold these figures, take no weights.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from fivefold.data.labelling.votes import Floats, Ints, Votes
from fivefold.data.values import rounded

__all__ = ["agreement", "alpha", "cohen_kappa", "fleiss_kappa", "numeric_alpha"]

_Z = 1.959963984540054
_MOST_ANNOTATORS = 20
# Above this many numbers the jackknife's matrices would take gigabytes.
_MOST_NUMBERS = 20_000_000
_DIGITS = 6

Estimate = dict[str, Any]


def agreement(votes: Votes, level: str) -> dict[str, Any]:
    """Measure the agreement of annotators.

    Parameters
    ----------
    votes : Votes
        At most one per item and annotator.
    level : {"nominal", "ordinal", "interval"}
        Of the labels.

    Returns
    -------
    dict
        ``items``, those with two annotators or more, alpha, kappas, and per annotator the items
        and how often others agree. What can't be measured is None, with a reason.
    """
    several = int((votes.per_unit >= 2).sum())
    report: dict[str, Any] = {
        "level": level,
        "annotators": len(votes.sources),
        "items": int((votes.per_unit >= 1).sum()),
        "items_with_several": several,
    }
    if level == "interval":
        report["krippendorff_alpha"] = numeric_alpha(votes)
        return report
    counts = votes.counts()
    several_counts = counts[votes.per_unit >= 2]
    patterns, weights = _patterns(several_counts)
    report["observed_agreement"] = rounded(_observed(patterns, weights), _DIGITS)
    report["krippendorff_alpha"] = alpha(patterns, weights, level)
    report["fleiss_kappa"] = fleiss_kappa(patterns, weights)
    report["cohen_kappa"], report["pairs_left_out"] = _pairs(votes, level)
    report["by_annotator"] = _by_annotator(votes, counts)
    return report


def alpha(counts: Floats, weights: Floats, level: str = "nominal") -> Estimate:
    """Estimate Krippendorff's alpha from the votes for each class.

    Parameters
    ----------
    counts : ndarray, shape (n_patterns, n_classes)
        Of items with two votes or more.
    weights : ndarray, shape (n_patterns,)
        How many items have these votes.
    level : {"nominal", "ordinal"}
        The order of the classes counts if ordinal.

    Notes
    -----
    Krippendorff, *Content Analysis*, 4th ed. (2018), ch. 12: coincidences, and the difference
    functions of nominal and of ordinal data.
    """
    if not len(counts):
        return _undefined("no item has two annotators")
    classes = counts.shape[1]
    pairable = 1 / (counts.sum(axis=1) - 1)
    sums = counts.T @ (counts * (weights * pairable)[:, None])
    sums -= np.diag((weights * pairable) @ counts)
    each = None
    if counts.size * classes <= _MOST_NUMBERS:
        each = counts[:, :, None] * counts[:, None, :]
        each[:, np.arange(classes), np.arange(classes)] -= counts
        each *= pairable[:, None, None]

    def statistic(coincidences: Floats) -> Floats:
        totals = coincidences.sum(axis=-1)
        n = totals.sum(axis=-1)
        if level == "ordinal":
            middle = totals.cumsum(axis=-1) - totals / 2
            delta = (middle[..., :, None] - middle[..., None, :]) ** 2
        else:
            delta = 1.0 - np.eye(classes)
        seen = (coincidences * delta).sum(axis=(-2, -1))
        expected = (totals[..., :, None] * totals[..., None, :] * delta).sum(axis=(-2, -1))
        return np.asarray(1 - (n - 1) * seen / expected)

    return _jackknifed(sums, each, weights, statistic)


def fleiss_kappa(counts: Floats, weights: Floats) -> Estimate:
    """Estimate Fleiss' kappa from the votes for each class.

    Fleiss (1971), *Psychological Bulletin* 76(5); where items have different numbers of votes, an
    item's agreement is over its own pairs and the classes' shares are over all votes (Fleiss, Levin
    and Paik, 2003, ch. 18).
    """
    if not len(counts):
        return _undefined("no item has two annotators")
    votes = counts.sum(axis=1)
    own = (counts * (counts - 1)).sum(axis=1) / (votes * (votes - 1))
    each = np.column_stack([np.ones(len(counts)), own, counts])

    def statistic(sums: Floats) -> Floats:
        seen = sums[..., 1] / sums[..., 0]
        shares = sums[..., 2:] / sums[..., 2:].sum(axis=-1, keepdims=True)
        chance = (shares**2).sum(axis=-1)
        return np.asarray((seen - chance) / (1 - chance))

    return _jackknifed(weights @ each, each, weights, statistic)


def cohen_kappa(confusion: Floats, ordered: bool = False) -> Estimate:
    """Estimate Cohen's kappa of two annotators.

    Parameters
    ----------
    confusion : ndarray, shape (n_classes, n_classes)
        Items by the label of the one and of the other.
    ordered : bool
        Weigh a disagreement by its squared distance (Cohen, 1968).
    """
    classes = len(confusion)
    if not confusion.sum():
        return _undefined("the two have no item in common")
    place = np.arange(classes)
    distance = (place[:, None] - place[None, :]) ** 2 if ordered else 1.0 - np.eye(classes)
    cells = np.argwhere(confusion > 0)

    def statistic(table: Floats) -> Floats:
        n = table.sum(axis=(-2, -1))
        seen = (table * distance).sum(axis=(-2, -1))
        chance = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
        return np.asarray(1 - n * seen / (chance * distance).sum(axis=(-2, -1)))

    each = None
    if len(cells) * classes * classes <= _MOST_NUMBERS:
        each = np.zeros((len(cells), classes, classes))
        each[np.arange(len(cells)), cells[:, 0], cells[:, 1]] = 1
    return _jackknifed(confusion, each, confusion[cells[:, 0], cells[:, 1]], statistic)


def numeric_alpha(votes: Votes) -> Estimate:
    """Estimate Krippendorff's alpha of numbers, with squared differences.

    Of an item's m numbers, the squared differences of all pairs add up to m times their sum of
    squares about the mean; so no matrix of all values is needed.
    """
    m = votes.per_unit
    kept = m >= 2
    if not kept.any():
        return _undefined("no item has two annotators")
    # Centred first, so that squares of large numbers keep their digits.
    values = votes.value - votes.value[kept[votes.unit]].mean()
    total = np.bincount(votes.unit, weights=values, minlength=votes.units)[kept]
    square = np.bincount(votes.unit, weights=values**2, minlength=votes.units)[kept]
    m = m[kept]
    within = m / (m - 1) * np.maximum(square - total**2 / m, 0)
    each = np.column_stack([m, total, square, within])

    def statistic(sums: Floats) -> Floats:
        n = sums[..., 0]
        spread = sums[..., 2] - sums[..., 1] ** 2 / n
        return np.asarray(1 - (n - 1) / n * sums[..., 3] / spread)

    return _jackknifed(each.sum(axis=0), each, np.ones(len(m)), statistic)


def _jackknifed(sums: Floats, each: Floats | None, weights: Floats, statistic: Any) -> Estimate:
    """Compute a statistic of sums, and its interval by leaving out one item at a time.

    ``each`` is what an item adds to the sums; None where that is too much to hold.
    """
    items = weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(sums))
        if not np.isfinite(value):
            return _undefined("every annotation is the same label")
        estimate: Estimate = {"value": rounded(value, _DIGITS)}
        if items < 3 or each is None:
            return {**estimate, "low": None, "high": None}
        without = statistic(sums - each)
    # A label that only the item left out has makes the statistic undefined without it.
    without = np.where(np.isfinite(without), without, value)
    middle = np.average(without, weights=weights)
    variance = (items - 1) / items * (weights * (without - middle) ** 2).sum()
    reach = _Z * float(np.sqrt(variance))
    return {
        **estimate,
        "low": rounded(max(value - reach, -1.0), _DIGITS),
        "high": rounded(min(value + reach, 1.0), _DIGITS),
    }


def _undefined(reason: str) -> Estimate:
    return {"value": None, "low": None, "high": None, "reason": reason}


def _patterns(counts: Floats) -> tuple[Floats, Floats]:
    """Give the different rows of a matrix, sorted, and how often each stands there."""
    if not len(counts):
        return counts, np.empty(0)
    patterns, weights = np.unique(counts, axis=0, return_counts=True)
    return patterns, weights.astype(np.float64)


def _observed(patterns: Floats, weights: Floats) -> float | None:
    """Give the share of agreeing pairs, averaged over the items."""
    if not len(patterns):
        return None
    votes = patterns.sum(axis=1)
    own = (patterns * (patterns - 1)).sum(axis=1) / (votes * (votes - 1))
    return float(np.average(own, weights=weights))


def _pairs(votes: Votes, level: str) -> tuple[list[dict[str, Any]], int]:
    """Measure each two annotators; of many, only those with the most annotations."""
    items = np.bincount(votes.source, minlength=len(votes.sources))
    chosen = np.sort(np.argsort(-items, kind="stable")[:_MOST_ANNOTATORS])
    cells = votes.table(chosen)
    k = len(votes.classes)
    pairs = []
    for one, other in combinations(range(len(chosen)), 2):
        both = (cells[:, one] >= 0) & (cells[:, other] >= 0)
        flat = np.bincount(cells[both, one] * k + cells[both, other], minlength=k * k)
        confusion = flat.reshape(k, k).astype(np.float64)
        total = confusion.sum()
        pairs.append(
            {
                "annotators": [votes.sources[chosen[one]], votes.sources[chosen[other]]],
                "items": int(total),
                "agreement": rounded(float(np.trace(confusion) / total), 6) if total else None,
                **cohen_kappa(confusion, level == "ordinal"),
            }
        )
    everyone = len(votes.sources)
    return pairs, everyone * (everyone - 1) // 2 - len(pairs)


def _by_annotator(votes: Votes, counts: Floats) -> dict[str, Any]:
    """Count each annotator's items, and the share of the others' votes that agree with theirs."""
    agreeing = counts[votes.unit, votes.value] - 1
    others = votes.per_unit[votes.unit] - 1
    size = len(votes.sources)
    items: Ints = np.bincount(votes.source, minlength=size)
    same = np.bincount(votes.source, weights=agreeing, minlength=size)
    all_ = np.bincount(votes.source, weights=others, minlength=size)
    return {
        name: {
            "items": int(items[i]),
            "agreement_with_others": rounded(float(same[i] / all_[i]), 6) if all_[i] else None,
        }
        for i, name in enumerate(votes.sources)
    }
