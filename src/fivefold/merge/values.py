"""Merge mappings key by key: params that will be composed anew, figures that vary anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["merge_values"]

_ABSENT = object()


def merge_values(base: Any, ours: Any, theirs: Any) -> Any:
    """Merge two values that go back to a common one; where both sides changed one, ours stands.

    Mappings are merged key by key, in the order of ours; a list is one value.

    Examples
    --------
    >>> merge_values({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "c": 3})
    {'a': 2, 'c': 3}
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        old = base if isinstance(base, Mapping) else {}
        merged = {
            key: merge_values(
                old.get(key, _ABSENT), ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
            )
            for key in dict.fromkeys([*ours, *theirs])
        }
        return {key: value for key, value in merged.items() if value is not _ABSENT}
    return theirs if _same(ours, base) else ours


def _same(left: Any, right: Any) -> bool:
    # 1, 1.0 and True are equal, and not the same value of a parameter.
    return repr(left) == repr(right)
