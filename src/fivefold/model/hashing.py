"""Hashes of what a fit sees, equal on every machine and engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["add", "add_array", "add_frame"]


def add(digest: Any, *values: object) -> None:
    """Add plain values."""
    for value in values:
        digest.update(json.dumps(value, sort_keys=True, default=str).encode())
        digest.update(b"\0")


def add_array(digest: Any, array: NDArray[Any]) -> None:
    """Add an array, its type and shape with it."""
    add(digest, str(array.dtype), list(array.shape))
    if array.dtype == object:
        add(digest, array.tolist())
    else:
        if array.dtype.kind == "f":
            # One NaN of many, and one zero of two, whatever engine computed them.
            array = np.where(np.isnan(array), np.nan, array + 0.0).astype(array.dtype)
        digest.update(np.ascontiguousarray(array).tobytes())


def add_frame(digest: Any, frame: pd.DataFrame) -> None:
    """Add a frame, column by column."""
    for name in frame.columns:
        add(digest, str(name))
        add_array(digest, frame[name].to_numpy())
