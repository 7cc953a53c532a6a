"""The search for slices whose rows cost more than the others: which conditions to judge.

A histogram of an attribute's codes gives the rows and losses of every condition on it, and one of
two attributes' codes those of every pair of conditions: a pass over the rows per pair of columns,
not per slice. Slices of more conditions are found by a beam search from the best of fewer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.model.diagnosing.attributes import Attribute, Condition
from fivefold.model.diagnosing.contrasts import contrast
from fivefold.model.diagnosing.moments import (
    Moments,
    Searched,
    by_condition,
    histogram,
    luck_of,
    ranged,
)

__all__ = ["Found", "Slice", "find_slices"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Blocks = NDArray[np.intp]

# Of a pair of attributes, more slices than this are near copies of one another.
_PER_SET = 20
# So many of a level are looked at row by row, where the rows are not independent.
_SHORTLIST = 1000
# Rows in both over rows in either, from which on two slices are taken for one.
_SAME = 0.8
# Of one set of columns, so many slices go on to be judged.
_KEPT_PER_SET = 2


@dataclass(frozen=True)
class Slice:
    """Rows that meet all of some conditions, each on another attribute."""

    conditions: tuple[Condition, ...]

    @property
    def mask(self) -> Mask:
        """Which rows of the test part are in it, shape (n_rows,)."""
        found = self.conditions[0].mask
        for condition in self.conditions[1:]:
            found = found & condition.mask
        return found

    @property
    def text(self) -> str:
        """The conditions in words."""
        return " and ".join(condition.text for condition in self.conditions)

    @property
    def parents(self) -> Iterator[Slice]:
        """The slices of one condition less."""
        if len(self.conditions) > 1:
            for left_out in self.conditions:
                yield Slice(tuple(item for item in self.conditions if item is not left_out))


@dataclass
class Found:
    """What a search gives.

    Attributes
    ----------
    slices : list of Slice
        Those to be judged, those of fewer conditions first.
    looked_at : list of int
        How many slices with enough rows were compared, by their number of conditions.
    """

    slices: list[Slice] = field(default_factory=list)
    looked_at: list[int] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class _Candidate:
    """A slice by its score: places of attributes, and of their conditions."""

    order: float
    places: tuple[tuple[int, int], ...]


def find_slices(
    attributes: Sequence[Attribute],
    loss: Floats,
    rows: Mask,
    *,
    depth: int,
    beam: int,
    min_rows: int,
    most: int,
    blocks: Blocks | None = None,
) -> Found:
    """Search some rows for slices whose mean loss is above that of the rest.

    Parameters
    ----------
    attributes : sequence of Attribute
    loss : ndarray of shape (n_rows,)
    rows : ndarray of bool, shape (n_rows,)
        Those to search; the others are left to judge what is found.
    depth : int
        Conditions at most, at least 1.
    beam : int
        Two conditions: of more attributes than this, one of them is on one of so many, those that
        tell most. From three on: so many of the best slices are refined.
    min_rows : int
        Rows within and without a slice, at least, of those that are searched.
    most : int
        Slices of a number of conditions to give at most.
    blocks : ndarray of int, shape (n_rows,), or None
        Rows of one number are not independent.

    Returns
    -------
    Found

    Notes
    -----
    Slices are ranked by how far their mean loss lies above that of all rows, at the lower end: as
    many standard errors below as the luckiest of so many slices would be above by chance. A slice
    of several conditions has to be worse than the rest of each slice that has one condition less,
    beyond what the luckiest of its siblings would be. Slices as conjunctions of conditions:
    Y. Chung, T. Kraska, N. Polyzotis, K. H. Tae and S. E. Whang, "Slice Finder", *ICDE* 2019.
    """
    searched = Searched.of(attributes, loss, rows, min_rows)
    found = Found()
    whole = loss[rows]
    if not len(whole) or whole.max() == whole.min():
        return found
    inner = None if blocks is None else blocks[rows]
    level = _singles(attributes, searched, found)
    kept: list[_Candidate] = []
    for conditions in range(1, depth + 1):
        if conditions == 2:
            level = _pairs(attributes, searched, _telling(len(attributes), level, beam), found)
        elif conditions > 2:
            level = _refined(attributes, searched, level[:beam], found)
        if inner is not None:
            level = _reranked(attributes, searched, level, inner, found.looked_at[-1])
        level = _apart(attributes, searched, level, kept, max(most, beam))
        kept += level[:most]
    found.slices = [_slice(attributes, item) for item in kept]
    return found


def _judged(
    inside: Moments, searched: Searched, rests: Iterable[Moments], siblings: int
) -> tuple[Floats, Mask]:
    """Score slices, and say which have rows enough; NaN scores are of those to be left out."""
    outside = searched.total - inside
    enough = (inside.rows >= searched.min_rows) & (outside.rows >= searched.min_rows)
    difference, error = inside.against(outside)
    luck = luck_of(int(enough.sum()))
    good = enough & (difference > 0)
    for rest in rests:
        gain, gain_error = inside.against(rest)
        good &= gain > luck_of(siblings) * gain_error
    # The difference from the others, times their share, is that from all rows together.
    share = outside.rows / searched.total.rows
    return np.where(good, (difference - luck * error) * share, np.nan), enough


def _singles(attributes: Sequence[Attribute], searched: Searched, found: Found) -> list[_Candidate]:
    moments = [
        by_condition(item, codes, searched.loss)
        for item, codes in zip(attributes, searched.codes, strict=True)
    ]
    joined = Moments(
        *(np.concatenate([getattr(one, name) for one in moments]) if moments else np.empty(0)
          for name in ("rows", "sums", "squares"))
    )  # fmt: skip
    scores, enough = _judged(joined, searched, (), 1)
    found.looked_at.append(int(enough.sum()))
    places = [(a, i) for a, item in enumerate(attributes) for i in range(len(item.low))]
    return sorted(
        _Candidate(-float(value), (place,))
        for value, place in zip(scores, places, strict=True)
        if value == value
    )


def _telling(count: int, singles: Sequence[_Candidate], beam: int) -> list[int]:
    """Name the attributes of the best conditions, or all where they are few.

    Two that tell nothing on their own may tell something together.
    """
    if count <= beam:
        return list(range(count))
    return list(dict.fromkeys(item.places[0][0] for item in singles))[:beam]


def _pairs(
    attributes: Sequence[Attribute], searched: Searched, first: Sequence[int], found: Found
) -> list[_Candidate]:
    """Look at every pair of conditions on two attributes, one of them among the first."""
    alone = [
        by_condition(item, codes, searched.loss)
        for item, codes in zip(attributes, searched.codes, strict=True)
    ]
    chosen = set(first)
    rest = [at for at in range(len(attributes)) if at not in chosen]
    pairs = [
        *itertools.combinations(sorted(chosen), 2),
        *((min(a, b), max(a, b)) for a in sorted(chosen) for b in rest),
    ]
    level: list[_Candidate] = []
    looked = 0
    for a, b in pairs:
        size = len(attributes[a].meaning), len(attributes[b].meaning)
        index = searched.codes[a] * size[1] + searched.codes[b]
        cells = histogram(index, size[0] * size[1], searched.loss)
        inside = Moments(
            *(
                ranged(ranged(part.reshape(size), attributes[a], 0), attributes[b], 1)
                for part in cells
            )
        )
        rests = alone[a].along(0) - inside, alone[b].along(1) - inside
        siblings = len(attributes) * max(len(attributes[a].low), len(attributes[b].low))
        scores, enough = _judged(inside, searched, rests, siblings)
        looked += int(enough.sum())
        level += _best(scores, lambda i, j, a=a, b=b: ((a, i), (b, j)))
    found.looked_at.append(looked)
    return sorted(level)


def _best(scores: Floats, places: Any) -> Iterator[_Candidate]:
    flat = np.where(np.isnan(scores), -np.inf, scores).ravel()
    top = np.argsort(-flat, kind="stable")[:_PER_SET]
    for at in top[np.isfinite(flat[top])]:
        where = (int(place) for place in np.unravel_index(at, scores.shape))
        yield _Candidate(-float(flat[at]), places(*where))


def _refined(
    attributes: Sequence[Attribute], searched: Searched, level: Sequence[_Candidate], found: Found
) -> list[_Candidate]:
    """Add a condition to each of the best slices."""
    refined: dict[tuple[tuple[int, int], ...], _Candidate] = {}
    looked = 0
    siblings = sum(len(item.low) for item in attributes)
    for parent in level:
        inner = np.flatnonzero(_mask(attributes, searched, parent))
        loss = searched.loss[inner]
        taken = {place for place, _ in parent.places}
        own = Moments(float(len(loss)), float(loss.sum()), float(np.sum(loss**2)))
        for place, item in enumerate(attributes):
            if place in taken:
                continue
            inside = by_condition(item, searched.codes[place][inner], loss)
            scores, enough = _judged(inside, searched, [own - inside], siblings)
            looked += int(enough.sum())
            for new in _best(scores, lambda i, p=place: ((p, i),)):
                places = tuple(sorted((*parent.places, *new.places)))
                best = min(new.order, refined[places].order if places in refined else math.inf)
                refined[places] = _Candidate(best, places)
    found.looked_at.append(looked)
    return sorted(refined.values())


def _reranked(
    attributes: Sequence[Attribute],
    searched: Searched,
    level: Sequence[_Candidate],
    blocks: Blocks,
    looked: int,
) -> list[_Candidate]:
    """Score the first of a level anew, by what the blocks say of the noise."""
    again = []
    for item in level[:_SHORTLIST]:
        inside = _mask(attributes, searched, item)
        difference = contrast(searched.loss, inside, ~inside, blocks).difference
        luck = luck_of(looked, difference.freedom)
        # Rows of a single block say nothing of others.
        if luck < math.inf:
            order = (luck * difference.error - difference.value) * float(np.mean(~inside))
            again.append(_Candidate(order, item.places))
    return sorted(again)


def _apart(
    attributes: Sequence[Attribute],
    searched: Searched,
    level: Sequence[_Candidate],
    kept: Sequence[_Candidate],
    most: int,
) -> list[_Candidate]:
    """Leave out slices that have nearly the rows of a better or a simpler one."""
    bits = [_packed(attributes, searched, item) for item in kept]
    sets: dict[tuple[int, ...], int] = {}
    apart: list[_Candidate] = []
    for item in level[:_SHORTLIST]:
        columns = tuple(place for place, _ in item.places)
        if sets.get(columns, 0) >= _KEPT_PER_SET:
            continue
        mine = _packed(attributes, searched, item)
        if bits and _overlap(mine, np.array(bits)).max() >= _SAME:
            continue
        bits.append(mine)
        apart.append(item)
        sets[columns] = sets.get(columns, 0) + 1
        if len(apart) == most:
            break
    return apart


def _overlap(mine: NDArray[np.uint8], others: NDArray[np.uint8]) -> Floats:
    both = np.bitwise_count(mine & others).sum(axis=1, dtype=np.int64)
    either = np.bitwise_count(mine | others).sum(axis=1, dtype=np.int64)
    shares: Floats = both / np.maximum(either, 1)
    return shares


def _packed(
    attributes: Sequence[Attribute], searched: Searched, item: _Candidate
) -> NDArray[np.uint8]:
    return np.packbits(_mask(attributes, searched, item))


def _mask(attributes: Sequence[Attribute], searched: Searched, item: _Candidate) -> Mask:
    found = np.ones(len(searched.loss), dtype=bool)
    for place, index in item.places:
        codes, of = searched.codes[place], attributes[place]
        found &= (codes >= of.low[index]) & (codes <= of.high[index])
    return found


def _slice(attributes: Sequence[Attribute], item: _Candidate) -> Slice:
    return Slice(tuple(attributes[place].condition(index) for place, index in item.places))
