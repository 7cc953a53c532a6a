"""The features as they are: which are constant, which say the same, what they held in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fivefold.errors import ConfigError, nearest
from fivefold.features import MISSING_CATEGORY
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Associated",
    "associated",
    "constant",
    "empty",
    "is_missing",
    "member_groups",
    "require_features",
]

# Rows that associations are computed on.
_MOST_ROWS = 5000
# A column of more categories than this is nearly a key: it tells every other column by chance.
_MOST_CATEGORIES = 200


@dataclass(frozen=True)
class Associated:
    """Features that say much the same.

    Attributes
    ----------
    features : tuple of str
    strongest : float
        The strongest association of two of them, in [0, 1].
    """

    features: tuple[str, ...]
    strongest: float


def require_features(names: Iterable[str], schema: TableSchema, where: str) -> None:
    """Refuse a name that is no feature.

    Raises
    ------
    ConfigError
        Names the nearest feature.
    """
    for name in names:
        if name in schema.features:
            continue
        role = schema.columns[name].role if name in schema.columns else None
        raise ConfigError(
            f"no feature {name!r}" if role is None else f"the column {name!r} is no feature",
            where=where,
            got=name if role is None else f"{name}, of the role {role}",
            allowed=schema.features,
            hint=nearest(name, schema.features),
        )


def is_missing(values: pd.Series[Any]) -> NDArray[np.bool_]:
    """Tell which values of a feature are missing, shape (n_rows,)."""
    if values.dtype == object:
        return np.asarray(values == MISSING_CATEGORY)
    return np.asarray(values.isna())


def empty(features: pd.DataFrame) -> list[str]:
    """Name the features that are missing in every row."""
    return [name for name in features.columns if bool(is_missing(features[name]).all())]


def constant(features: pd.DataFrame) -> list[str]:
    """Name the features of one value only, a missing one counted as a value of its own."""
    return [name for name in features.columns if features[name].nunique(dropna=False) == 1]


def associated(features: pd.DataFrame, at_least: float) -> list[Associated]:
    """Find the features that are associated at least so strongly, in clusters.

    Two numbers are compared by Spearman's correlation of ranks, two categories by Cramér's V with
    Bergsma's correction, a number and a category by the root of epsilon squared of the ranks. The
    clusters are those of average linkage, so that no chain of weak ties makes one.

    Returns
    -------
    list of Associated
        The strongest first.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    names = [name for name in features.columns if name not in set(constant(features))]
    if len(names) < 2:
        return []
    rows = np.linspace(0, len(features) - 1, min(len(features), _MOST_ROWS)).astype(np.intp)
    # Rounded, so that equal strengths are equal whatever the order of a sum.
    strength = np.round(_strengths(features[names].iloc[rows]), 9)
    distance = np.clip(1 - strength, 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average")
    labels = fcluster(tree, t=1 - at_least + 1e-12, criterion="distance")
    found = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) > 1:
            inside = strength[np.ix_(members, members)]
            strongest = float(inside[~np.eye(len(members), dtype=bool)].max())
            found.append(Associated(tuple(names[i] for i in members), strongest))
    return sorted(found, key=lambda item: (-item.strongest, item.features))


def _strengths(features: pd.DataFrame) -> NDArray[np.float64]:
    """Give the association of each two features, shape (n_features, n_features), in [0, 1]."""
    names = list(features.columns)
    numbers = [name for name in names if features[name].dtype != object]
    ranks = features[numbers].rank()
    codes = {name: _codes(features[name]) for name in names if features[name].dtype == object}
    result = np.eye(len(names))
    # Ranks that are correlated as they are give Spearman's; pairs with a missing value are out.
    spearman = np.abs(ranks.corr().to_numpy())
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            if a in codes and b in codes:
                value = _cramer(codes[a], codes[b])
            elif a in codes or b in codes:
                category, number = (a, b) if a in codes else (b, a)
                value = _epsilon(codes[category], np.asarray(ranks[number]))
            else:
                value = float(spearman[numbers.index(a), numbers.index(b)])
            result[i, j] = result[j, i] = value if np.isfinite(value) else 0.0
    return result


def _codes(values: pd.Series[Any]) -> NDArray[np.intp]:
    codes, found = pd.factorize(values, sort=True)
    return np.zeros(len(values), np.intp) if len(found) > _MOST_CATEGORIES else codes


def _cramer(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    """Compute Cramér's V with the correction of Bergsma, *J. Korean Stat. Soc.* 42 (2013)."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    n, (r, k) = table.sum(), table.shape
    if min(r, k) < 2 or n < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = np.nansum((table - expected) ** 2 / expected) / n
    phi = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / smaller))) if smaller > 0 else 0.0


def _epsilon(codes: NDArray[np.intp], ranks: NDArray[np.float64]) -> float:
    """Compute the root of epsilon squared: the share of a number's variance between categories."""
    known = np.isfinite(ranks)
    codes, ranks = codes[known], ranks[known]
    if len(ranks) < 3:
        return 0.0
    sizes = np.bincount(codes)
    groups, n = int((sizes > 0).sum()), len(ranks)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.bincount(codes, ranks) / sizes
    total = float(((ranks - ranks.mean()) ** 2).sum())
    within = float(((ranks - means[codes]) ** 2).sum())
    if total <= 0 or n <= groups:
        return 0.0
    return float(np.sqrt(max(0.0, 1 - (within / (n - groups)) / (total / (n - 1)))))


def member_groups(
    declared: Mapping[str, list[str]], clusters: Iterable[Associated]
) -> dict[str, tuple[list[str], bool]]:
    """Give the groups to permute together by name: members, and whether they were declared."""
    groups = {name: (list(members), True) for name, members in declared.items()}
    known = [set(members) for members, _ in groups.values()]
    for cluster in clusters:
        if set(cluster.features) not in known:
            groups[" + ".join(cluster.features)] = (list(cluster.features), False)
    return groups
