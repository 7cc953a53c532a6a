"""Who said what of which item, as arrays; people and rules alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ints", "Votes"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """Votes, one per place of the first three arrays.

    Attributes
    ----------
    classes : tuple
        The labels, in order; none for numbers.
    sources : tuple of str
        The annotators or rules.
    unit, source : ndarray of int64, shape (n_votes,)
        Which item, and by whom.
    value : ndarray, shape (n_votes,)
        int64, the place of the label among the classes; or float64, the number itself.
    weight : ndarray of float64, shape (n_units,)
        How many rows each item stands for: 1 where people label, the rows in which the rules said
        the same where rules do.
    """

    classes: tuple[Any, ...]
    sources: tuple[str, ...]
    unit: Ints
    source: Ints
    value: NDArray[Any]
    weight: Floats

    @property
    def units(self) -> int:
        """The number of items."""
        return len(self.weight)

    @property
    def per_unit(self) -> Ints:
        """The votes on each item, shape (n_units,)."""
        return np.bincount(self.unit, minlength=self.units).astype(np.int64)

    def counts(self) -> Floats:
        """Give the votes for each class, shape (n_units, n_classes)."""
        flat = self.unit * len(self.classes) + self.value
        size = self.units * len(self.classes)
        return (
            np.bincount(flat, minlength=size)
            .reshape(self.units, len(self.classes))
            .astype(np.float64)
        )

    def table(self, sources: Ints) -> Ints:
        """Give each item's vote by some of the sources, -1 where there is none.

        Returns
        -------
        ndarray of int64, shape (n_units, n_chosen)
        """
        place = np.full(len(self.sources), -1, dtype=np.int64)
        place[sources] = np.arange(len(sources))
        cells = np.full((self.units, len(sources)), -1, dtype=np.int64)
        chosen = place[self.source] >= 0
        cells[self.unit[chosen], place[self.source[chosen]]] = self.value[chosen]
        return cells

    def only(self, chosen: NDArray[np.bool_]) -> Votes:
        """Give some of the votes; every item stays."""
        return replace(
            self, unit=self.unit[chosen], source=self.source[chosen], value=self.value[chosen]
        )
