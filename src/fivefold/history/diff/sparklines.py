"""A row of numbers as a row of blocks, for where no picture can stand."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], *, most: int = 40) -> str:
    """Draw numbers as blocks from the least to the greatest of them.

    Parameters
    ----------
    values : sequence of float
        Finite, the oldest first.
    most : int, default=40
        How many to draw; of more, the last ones.

    Examples
    --------
    >>> sparkline([1, 2, 3, 2, 8])
    '▁▂▃▂█'
    """
    shown = list(values)[-most:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if low == high:
        return _BLOCKS[len(_BLOCKS) // 2] * len(shown)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((value - low) / (high - low) * top)] for value in shown)
