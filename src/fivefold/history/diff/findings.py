"""What rows and tables show beyond metrics and hashes: slices, and columns that moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "MISSING_MARK",
    "PSI_MARK",
    "CategoryChange",
    "ColumnChange",
    "ExplorationChange",
    "FigureChange",
    "Retyped",
    "SliceChange",
    "SliceReport",
    "TableChange",
]

Retyped = tuple[str, str, str]
"""A column's name, its type before and after."""

PSI_MARK = 0.1
"""From this population stability index on, a column is said to have moved, unless by chance."""

MISSING_MARK = 0.01
"""So is one whose share of missing values changed by more than this."""


@dataclass(frozen=True, slots=True)
class SliceChange:
    """A metric on one slice of the rows.

    Attributes
    ----------
    column, value : str
        The slice: the rows that have this value in this column; ``missing`` where they have none.
    rows : int
        Of the head.
    base, head, change : float
    interval : (float, float) or None
        The change's own 95% interval, before the correction.
    p_value, adjusted : float or None
        Two-sided; `adjusted` for the number of slices. None where the slice is too small to judge.
    judgement : {"better", "worse", "noise", "same", "too small"}
        By the adjusted p-value.
    """

    column: str
    value: str
    rows: int
    base: float
    head: float
    change: float
    interval: tuple[float, float] | None
    p_value: float | None
    adjusted: float | None
    judgement: Literal["better", "worse", "noise", "same", "too small"]

    @property
    def name(self) -> str:
        """The slice as ``column = value``."""
        return f"{self.column} = {self.value}"


@dataclass(frozen=True, slots=True)
class SliceReport:
    """Who got better and who got worse.

    Attributes
    ----------
    metric : str
    source : {"rows", "reports"}
        The predictions of both revisions, row by row; or each revision's evaluation report, whose
        intervals take the two as independent.
    method, correction : str
    slices : tuple of SliceChange
        The worst first; those that got worse beyond noise before all others.
    left_out : int
        Slices beyond the largest ones of a column.
    """

    metric: str
    source: Literal["rows", "reports"]
    method: str
    correction: str
    slices: tuple[SliceChange, ...]
    left_out: int = 0

    @property
    def worse(self) -> tuple[SliceChange, ...]:
        """The slices that got worse beyond noise."""
        return tuple(item for item in self.slices if item.judgement == "worse")


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One column of two versions of a table.

    Attributes
    ----------
    name : str
    kind : {"number", "string", "other"}
        How its values were binned; times count as numbers, others have no measures.
    base_missing, head_missing : float
        Shares of rows without a value, of all rows.
    psi : float or None
        Population stability index over the base's bins, missing values being one.
    jensen_shannon : float or None
        Distance over the same bins, in [0, 1].
    kolmogorov_smirnov, wasserstein : float or None
        Of numbers; `wasserstein` in standard deviations of the base.
    moved : bool
        Whether a person should look at it.
    """

    name: str
    kind: Literal["number", "string", "other"]
    base_missing: float
    head_missing: float
    psi: float | None = None
    jensen_shannon: float | None = None
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class TableChange:
    """Two versions of a table.

    Attributes
    ----------
    path : str
    source : str
        ``tables``, or the report that both revisions committed.
    base_rows, head_rows : int
    added, removed : tuple of str
        Columns that only the head, or only the base, has.
    retyped : tuple of (str, str, str)
        Name, type before, type after.
    columns : tuple of ColumnChange
        Those of both, the most drifted first.
    rows_added, rows_removed, rows_changed : int or None
        By key; None where none is known.
    key : tuple of str
    sampled : int or None
        How many rows of each side the drift was measured on, where not on all.
    note : str
        What wasn't compared, and why.
    """

    path: str
    source: str
    base_rows: int
    head_rows: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    rows_added: int | None = None
    rows_removed: int | None = None
    rows_changed: int | None = None
    key: tuple[str, ...] = ()
    sampled: int | None = None
    note: str = ""

    @property
    def moved(self) -> tuple[ColumnChange, ...]:
        """The columns that a person should look at."""
        return tuple(column for column in self.columns if column.moved)


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure of an exploration.

    Attributes
    ----------
    column, figure : str
    base, head : float or None
        None where that side has no such thing.
    size : float
        The change, in units of what is worth a look.
    """

    column: str
    figure: str
    base: float | None
    head: float | None
    size: float


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """The categories of one column.

    Attributes
    ----------
    column : str
    base, head : int or None
        How many there are.
    added, removed : tuple of str
        As far as the explorations name all of them.
    """

    column: str
    base: int | None
    head: int | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplorationChange:
    """What two explorations say of the data.

    Attributes
    ----------
    path : str
        The report that both revisions committed.
    base_rows, head_rows : int
    figures : tuple of FigureChange
        Those that are worth a look, the largest change first.
    categories : tuple of CategoryChange
    raised, gone : tuple of str
        Alarms of the head only, and of the base only.
    """

    path: str
    base_rows: int
    head_rows: int
    figures: tuple[FigureChange, ...] = ()
    categories: tuple[CategoryChange, ...] = ()
    raised: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
