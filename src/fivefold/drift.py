"""How far two samples of one column are apart: the measures, from shares of bins and from values.

All of them are symmetric in their two samples, and 0 where the samples are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Bins",
    "bin_counts",
    "bin_edges",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "psi",
    "shares",
    "wasserstein",
]

# A bin without rows would make the index infinite; a ten-thousandth is what practice puts there.
FLOOR = 1e-4

# The reference's most frequent categories have a bin of their own; the rest share one.
_MOST_CATEGORIES = 50


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give counts as shares of their sum; zeros where there is nothing."""
    total = counts.sum()
    result: NDArray[np.float64] = counts / total if total else np.zeros(len(counts))
    return result


def psi(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Compute the population stability index of two samples over the same bins.

    Parameters
    ----------
    reference, current : ndarray of shape (n_bins,)
        Rows per bin; each sums to at least 1.

    Returns
    -------
    float
        At least 0. By custom, below 0.1 is stable, from 0.25 on has shifted.

    Notes
    -----
    The sum over bins of ``(q - p) * ln(q / p)`` of the shares ``p`` and ``q``, each at least
    0.0001: N. Siddiqi, *Credit Risk Scorecards* (2006), chapter 7. With no drift at all its mean
    is about ``(n_bins - 1) * (1 / n_reference + 1 / n_current)``: B. Yurdakul, *Statistical
    Properties of Population Stability Index* (2018); a few hundred rows are needed to read it.
    """
    p = np.maximum(shares(reference), FLOOR)
    q = np.maximum(shares(current), FLOOR)
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Compute the Jensen-Shannon distance of two samples over the same bins.

    Returns
    -------
    float
        In [0, 1]: 0 for equal shares, 1 where no bin has rows of both.

    Notes
    -----
    The square root of the divergence of base 2: J. Lin, "Divergence measures based on the Shannon
    entropy", *IEEE Transactions on Information Theory* 37 (1991); that its root is a distance:
    D. Endres and J. Schindelin, in the same, 49 (2003).
    """
    p, q = shares(reference), shares(current)
    middle = (p + q) / 2

    def entropy(s: NDArray[np.float64]) -> float:
        some = s > 0
        return float(np.sum(s[some] * np.log2(s[some] / middle[some])))

    divergence = (entropy(p) + entropy(q)) / 2
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def kolmogorov_smirnov(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """Compute the largest distance of two empirical distribution functions.

    Parameters
    ----------
    reference, current : ndarray of shape (n_rows,)
        Sorted values, none missing; at least one each.

    Returns
    -------
    float
        In [0, 1].

    Notes
    -----
    The two-sample statistic: N. Smirnov, "Table for estimating the goodness of fit of empirical
    distributions", *Annals of Mathematical Statistics* 19 (1948).
    """
    both = np.concatenate([reference, current])
    first = np.searchsorted(reference, both, side="right") / len(reference)
    second = np.searchsorted(current, both, side="right") / len(current)
    return float(np.abs(first - second).max())


def wasserstein(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float | None:
    """Compute how far values have to move, in standard deviations of the reference.

    Parameters
    ----------
    reference, current : ndarray of shape (n_rows,)
        Sorted values, none missing; at least one each.

    Returns
    -------
    float or None
        At least 0; None where the reference does not vary and the current values differ.

    Notes
    -----
    The first Wasserstein distance is the area between the two distribution functions:
    S. Vallender, *Theory of Probability and its Applications* 18 (1974).
    """
    both = np.sort(np.concatenate([reference, current]), kind="stable")
    first = np.searchsorted(reference, both[:-1], side="right") / len(reference)
    second = np.searchsorted(current, both[:-1], side="right") / len(current)
    area = float(np.sum(np.abs(first - second) * np.diff(both)))
    spread = float(reference.std())
    if spread > 0:
        return area / spread
    return 0.0 if area == 0 else None


def bin_edges(reference: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Choose the edges between bins that hold about equally many rows of the reference.

    Parameters
    ----------
    reference : ndarray of shape (n_rows,)
        Values, none missing.
    bins : int
        How many bins at most, at least 2.

    Returns
    -------
    ndarray of shape (n_edges,)
        Ascending, at most ``bins - 1``; a value equal to an edge belongs below it. No more
        distinct values than bins: one bin each.
    """
    values = np.unique(reference)
    if len(values) <= bins:
        return values[:-1]
    ends = np.linspace(0, 1, bins + 1)[1:-1]
    cuts = np.quantile(reference, ends, method="inverted_cdf")
    # An edge at the largest value would put it into one bin with all that lies below.
    return np.unique(np.where(cuts >= values[-1], values[-2], cuts))


def bin_counts(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count rows per bin, the missing ones last; shape (n_edges + 2,)."""
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1).astype(np.int64)
    return np.append(counts, int(missing.sum())).astype(np.int64)


@dataclass(frozen=True)
class Bins:
    """The bins of a column, learned of the reference, and the reference's rows in each.

    Attributes
    ----------
    kind : {"number", "string"}
        What the column holds.
    edges : ndarray of shape (n_edges,)
        Of numbers, between the bins.
    categories : tuple of str
        Of strings, those with a bin of their own.
    known : frozenset of str
        Of strings, all that the reference has.
    reference : ndarray of shape (n_bins,)
        Rows per bin; missing comes last.
    """

    kind: str
    edges: NDArray[np.float64]
    categories: tuple[str, ...]
    known: frozenset[str]
    reference: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[Any], kind: str, bins: int) -> Bins:
        """Learn the bins of a reference, shape (n_rows,): numbers, or strings with "" missing."""
        if kind == "number":
            edges = bin_edges(values[~np.isnan(values)], bins)
            return cls(kind, edges, (), frozenset(), bin_counts(values, edges))
        return cls.of_categories(_categories(values))

    @classmethod
    def of_categories(cls, rows: Mapping[str, int]) -> Bins:
        """Learn the bins of a reference of strings, from its rows by category; "" is missing."""
        known = frozenset(name for name in rows if name)
        frequent = sorted(known, key=lambda name: (-rows[name], name))[:_MOST_CATEGORIES]
        part = cls("string", np.empty(0), tuple(frequent), known, np.empty(0, np.int64))
        counts = part.count_categories(rows)
        return cls(part.kind, part.edges, part.categories, part.known, counts)

    def count(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Count rows per bin, shape (n_bins,)."""
        if self.kind == "number":
            return bin_counts(values, self.edges)
        return self.count_categories(_categories(values))

    def count_categories(self, rows: Mapping[str, int]) -> NDArray[np.int64]:
        """Count rows per bin, shape (n_bins,), from the rows by category."""
        others = len(self.categories)
        places = {name: index for index, name in enumerate(self.categories)} | {"": others + 1}
        total = np.zeros(others + 2, dtype=np.int64)
        for name, count in rows.items():
            total[places.get(name, others)] += count
        return total


def _categories(values: NDArray[Any]) -> Mapping[str, int]:
    return Counter(values.astype(str).tolist())
