"""What can be declared under ``label:``; the types and bounds of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fivefold.errors import ConfigError, nearest

__all__ = ["Annotators", "Corrections", "LabelStudio", "Model", "Queue", "Rules", "Suspects"]


def require_one_of(value: str, allowed: Sequence[str], where: str) -> None:
    """Raise where a word is none of those known."""
    if value not in allowed:
        raise ConfigError(
            "the word is unknown",
            where=where,
            got=value,
            allowed=allowed,
            hint=nearest(value, allowed),
        )


def require_between(value: float, least: float, most: float | None, where: str) -> None:
    """Raise where a number is out of bounds, both of which are included."""
    if value < least or (most is not None and value > most):
        raise ConfigError(
            "the number is out of bounds",
            where=where,
            got=value,
            allowed=f"{least} or more" if most is None else f"{least} to {most}",
        )


@dataclass(frozen=True)
class Annotators:
    """Labels by several people, and how they become one.

    Attributes
    ----------
    table : str
        The collected table that holds them.
    item : list of str or None
        Its columns that name a row, in the order of the key; the key's own names if None.
    annotator, label : str
        Its columns that hold who said it, and what: an annotation a row.
    columns : list of str or None
        Instead of these two, a column per annotator: an item a row.
    repeated : {"error", "first", "last"}
        Which one counts where an annotator labelled an item twice, and differently.
    unknown : {"error", "drop"}
        What to do with annotations of rows that the table does not have.
    consensus : {"majority", "dawid_skene", "mean", "median"}
        majority: most votes. dawid_skene: annotators weighted by their estimated confusion
        matrices. mean, median: of numbers, with ``level: interval``.
    tie : {"missing", "first", "last"}
        The label where two have the same support: none, or the first or last in order.
    least : int
        Items with fewer annotations than this, at least 1, get no label.
    confidence : float
        Items whose label has less confidence than this, in [0, 1], get none.
    """

    table: str
    item: list[str] | None = None
    annotator: str = "annotator"
    label: str = "label"
    columns: list[str] | None = None
    repeated: str = "error"
    unknown: str = "error"
    consensus: str = "majority"
    tie: str = "missing"
    least: int = 1
    confidence: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("repeated", ("error", "first", "last")),
            ("unknown", ("error", "drop")),
            ("consensus", ("majority", "dawid_skene", "mean", "median")),
            ("tie", ("missing", "first", "last")),
        ):
            require_one_of(getattr(self, name), allowed, f"label.annotators.{name}")
        require_between(self.least, 1, None, "label.annotators.least")
        require_between(self.confidence, 0, 1, "label.annotators.confidence")


@dataclass(frozen=True)
class Rules:
    """Labelling functions, and how their votes become a label.

    Attributes
    ----------
    functions : dict of str to dict
        By name: ``_target_``, the dotted name of a function, and its arguments; see
        :mod:`fivefold.data.labelling.rules`.
    consensus : {"label_model", "majority"}
        label_model: rules weighted by their estimated accuracy, without any gold label.
    tie : {"missing", "first", "last"}
        The label where two have the same support: none, or the first or last in order.
    confidence : float
        Rows whose label has less confidence than this, in [0, 1], get none.
    gold : str or None
        A column with known labels in some rows, to measure the rules by.
    """

    functions: dict[str, dict[str, Any]]
    consensus: str = "label_model"
    tie: str = "missing"
    confidence: float = 0.0
    gold: str | None = None

    def __post_init__(self) -> None:
        if not self.functions:
            raise ConfigError("no rule is declared", where="label.rules.functions")
        require_one_of(self.consensus, ("label_model", "majority"), "label.rules.consensus")
        require_one_of(self.tie, ("missing", "first", "last"), "label.rules.tie")
        require_between(self.confidence, 0, 1, "label.rules.confidence")


@dataclass(frozen=True)
class Corrections:
    """Labels that people corrected, in a file that is versioned with the project.

    Attributes
    ----------
    table : str
        The collected table that holds them.
    item : list of str or None
        Its columns that name a row, in the order of the key; the key's own names if None.
    label, was, by, why : str
        Its columns with the right label, the label that was seen (not compared if there is no such
        column), who says so, and the reason.
    """

    table: str
    item: list[str] | None = None
    label: str = "label"
    was: str = "was"
    by: str = "by"
    why: str = "why"


@dataclass(frozen=True)
class Model:
    """The model by which doubtful and instructive rows are found; it is never kept.

    Attributes
    ----------
    features : list of str or None
        The columns it sees; all numbers, booleans and texts if None.
    exclude : list of str
        Columns it must not see: those known only with the label. The key, the target, and the
        columns that the label is made of are left out in any case.
    estimator : dict or None
        ``_target_`` of a classifier with scikit-learn's interface, and its arguments. A
        scikit-learn ``Pipeline`` is given the columns as they are, any other numbers without
        missing values. Histogram gradient boosting if None.
    folds : int
        Each row is judged by a model fitted on the other folds; 2 to 20.
    group : str or None
        Rows with the same value in this column are in one fold.
    time : str or None
        The folds are spans of time of this column.
    most_rows : int
        A sample of this many rows is used if there are more; at least 100.
    """

    features: list[str] | None = None
    exclude: list[str] = field(default_factory=list)
    estimator: dict[str, Any] | None = None
    folds: int = 5
    group: str | None = None
    time: str | None = None
    most_rows: int = 100_000

    def __post_init__(self) -> None:
        require_between(self.folds, 2, 20, "label.model.folds")
        require_between(self.most_rows, 100, None, "label.model.most_rows")
        if self.group and self.time:
            raise ConfigError("folds are by group or by time", where="label.model.group")


@dataclass(frozen=True)
class Suspects:
    """The search for wrong labels.

    Attributes
    ----------
    limit : int
        How many are listed at most, 1 to 10,000; all are counted.
    """

    limit: int = 100

    def __post_init__(self) -> None:
        require_between(self.limit, 1, 10_000, "label.suspects.limit")


@dataclass(frozen=True)
class Queue:
    """What to label next.

    Attributes
    ----------
    size : int
        How many rows, 1 to 10,000.
    by : {"entropy", "margin", "least_confidence"}
        How a model's uncertainty is measured.
    shortlist : int
        Of the ``size`` times this many most uncertain rows those are chosen that differ most from
        one another; 1, to 100, takes the most uncertain ones as they come.
    """

    size: int = 50
    by: str = "entropy"
    shortlist: int = 10

    def __post_init__(self) -> None:
        require_between(self.size, 1, 10_000, "label.queue.size")
        require_one_of(self.by, ("entropy", "margin", "least_confidence"), "label.queue.by")
        require_between(self.shortlist, 1, 100, "label.queue.shortlist")


@dataclass(frozen=True)
class LabelStudio:
    """How tasks for Label Studio are written.

    Attributes
    ----------
    show : list of str or None
        The columns that an annotator sees; those of the model if None.
    from_name : str or None
        The name of the control tag; the target's if None.
    to_name : str
        The name of the object tag, and of the field that it shows.
    """

    show: list[str] | None = None
    from_name: str | None = None
    to_name: str = "row"
