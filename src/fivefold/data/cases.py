"""A label by the first condition that holds, of the same type on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

__all__ = ["by_case"]


def by_case(cases: Sequence[tuple[nw.Expr, Any]]) -> nw.Expr:
    """Give the value of the first condition that is true, missing where none is.

    Parameters
    ----------
    cases : sequence of (narwhals.Expr, value)
        Conditions on columns, and texts, numbers or booleans of one type; None is missing. One
        value at least is not None.
    """
    kind = next(type(value) for _, value in cases if value is not None)
    whole = kind in (int, bool)
    chosen = nw.lit(kind())
    given: nw.Expr | None = None
    before: nw.Expr | None = None
    for condition, value in cases:
        # A missing condition is not true; engines differ in what follows from one.
        holds = nw.when(condition.is_null()).then(nw.lit(False)).otherwise(condition)
        here = holds if before is None else holds & ~before
        before = holds if before is None else before | holds
        if value is not None:
            chosen = nw.when(here).then(nw.lit(value)).otherwise(chosen)
            given = here if given is None else given | here
    assert given is not None  # noqa: S101 - the caller gives a value
    if whole:
        # pandas would make integers with missing values floats, but for a sum with Arrow's.
        chosen = chosen.cast(nw.Int64) + given.cast(nw.Int64) * 0
    result = nw.when(given).then(chosen).otherwise(None)
    return result == 1 if kind is bool else result
