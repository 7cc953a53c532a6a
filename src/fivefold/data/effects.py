"""What a cleaning step can do to a table, so that the audit looks only where something can change.

A step without this mark, such as a user's, is compared in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Effect", "effect", "effect_of"]

Step = TypeVar("Step", bound=Callable[..., Any])


@dataclass(frozen=True)
class Effect:
    """The limits of a step.

    Attributes
    ----------
    rows : bool
        May it drop rows?
    cells : tuple of str or None
        The columns, there before, whose cells may change; None if any may.
    """

    rows: bool = True
    cells: tuple[str, ...] | None = None


def effect(rows: bool = False, cells: str = "", adds: str = "") -> Callable[[Step], Step]:
    """Mark a step.

    Parameters
    ----------
    rows : bool
        May it drop rows?
    cells : str
        The step's parameter that lists the columns whose cells may change; none if empty.
    adds : str
        The step's parameter that names a column which is written, new or not.
    """

    def mark(step: Step) -> Step:
        step.__dict__["effect"] = (rows, cells, adds)
        return step

    return mark


def effect_of(step: Callable[..., Any], arguments: Mapping[str, Any]) -> Effect:
    """Read a step's mark for the arguments it is called with."""
    marked = getattr(step, "effect", None)
    if marked is None:
        return Effect()
    rows, cells, adds = marked
    columns = [*arguments[cells]] if cells else []
    return Effect(rows, (*columns, *([arguments[adds]] if adds else [])))
