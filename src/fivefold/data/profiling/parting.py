"""The part of each row, drawn as the stage split draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.data import parts
from fivefold.data.split import SplitConfig
from fivefold.data.splitting import PART, codes_of, parted
from fivefold.errors import FivefoldError
from fivefold.objective import Objective

__all__ = ["NAMES", "PART", "Parting"]

NAMES = (*parts.PARTS, "unused")
"""The parts by their numbers, and the rows of none."""


Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Parting:
    """How rows are split.

    Attributes
    ----------
    config : SplitConfig or None
        None where no split is declared, or it can't be read.
    reason : str
        Why there are no parts, for the page; the stage split has the last word on it.
    """

    config: SplitConfig | None
    reason: str = ""

    @classmethod
    def of(cls, split: Mapping[str, Any]) -> Parting:
        """Read the split's section."""
        if not split.get("key"):
            return cls(None, "no split is declared")
        try:
            return cls(SplitConfig.of(split))
        except FivefoldError as error:
            return cls(None, str(error).splitlines()[0])

    def codes(self, frame: nw.LazyFrame[Any], objective: Objective) -> tuple[Codes | None, str]:
        """Give the number of each row's part, in the order of the frame, or why there is none."""
        if self.config is None:
            return None, self.reason
        try:
            codes = codes_of(frame, objective, self.config).astype(np.int64)
            # A row whose part can't be told yet, as by a missing time, is in none.
            return np.where((codes < 0) | (codes > parts.UNUSED), parts.UNUSED, codes), ""
        except FivefoldError as error:
            return None, str(error).splitlines()[0]

    def attached(
        self, frame: nw.LazyFrame[Any], objective: Objective
    ) -> tuple[nw.LazyFrame[Any], str]:
        """Give a long table with the column ``PART``; as it is, and why, where there is none."""
        if self.config is None:
            return frame, self.reason
        try:
            return parted(frame, objective, self.config)[0], ""
        except FivefoldError as error:
            return frame, str(error).splitlines()[0]
