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
    known : bool
        Does the step keep within a mark? Such a step also passes on columns that it is not told of.
    rows : bool
        May it drop rows?
    cells : tuple of str or None
        The columns, there before, whose cells may change; None if any may.
    cheap : bool
        Is computing it again as quick as reading what it gave?
    dropped : callable or None
        Called as the step is, gives the rows that the step drops.
    """

    known: bool = False
    rows: bool = True
    cells: tuple[str, ...] | None = None
    cheap: bool = False
    dropped: Callable[..., Any] | None = None


def effect(
    rows: bool = False,
    cells: str = "",
    adds: str = "",
    cheap: bool = True,
    dropped: Callable[..., Any] | None = None,
) -> Callable[[Step], Step]:
    """Mark a step.

    Parameters
    ----------
    rows : bool
        May it drop rows?
    cells : str
        The step's parameter that lists the columns whose cells may change; none if empty.
    adds : str
        The step's parameter that names a column which is written, new or not.
    cheap : bool
        Does it look at each row alone, so that a lazy engine may as well compute it again?
    dropped : callable, optional
        With the step's own parameters: the rows that it drops, for the audit's examples.
    """

    def mark(step: Step) -> Step:
        step.__dict__["effect"] = (rows, cells, adds, cheap, dropped)
        return step

    return mark


def effect_of(step: Callable[..., Any], arguments: Mapping[str, Any]) -> Effect:
    """Read a step's mark for the arguments it is called with."""
    marked = getattr(step, "effect", None)
    if marked is None:
        return Effect()
    rows, cells, adds, cheap, dropped = marked
    listed = arguments[cells] if cells else ()
    # A text given for a list is refused by the step itself, which says it better.
    columns = (listed,) if isinstance(listed, str) else tuple(listed)
    added = (arguments[adds],) if adds and arguments.get(adds) else ()
    return Effect(True, rows, (*columns, *added), cheap, dropped)
