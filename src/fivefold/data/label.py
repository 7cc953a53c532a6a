"""Label: give each row its label, from a column, an expression, people or rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.data.labelling.settings import (
    Annotators,
    Corrections,
    LabelStudio,
    Model,
    Queue,
    Rules,
    Suspects,
    require_one_of,
)
from fivefold.errors import ConfigError
from fivefold.report.page import Page, Section, Text
from fivefold.table import Table, require_columns

__all__ = ["LabelConfig", "Labelled", "label"]

_ORIGINS = ("column", "expression", "annotators", "rules")


@dataclass(frozen=True)
class LabelConfig:
    """Where labels come from. With nothing declared, the table is passed on as it is.

    Attributes
    ----------
    key : list of str
        The columns that together name a row.
    target : str
        The column that is predicted, and written here.
    seed : int
        Draws folds and samples.
    engine : str
        What runs it: pandas, polars or duckdb.
    column : str or None
        The label is the value of this column, by ``mapping`` if that is declared.
    expression : str or dict or None
        The label is what a text such as ``arr_delay >= 15`` gives, see
        :mod:`fivefold.data.expressions`, or what a function named by ``_target_`` gives.
    annotators : Annotators or None
        The label is the consensus of people.
    rules : Rules or None
        The label is the consensus of labelling functions.
    labels : list or None
        The only labels allowed, in order; those found, sorted, if None.
    level : {"nominal", "ordinal", "interval"}
        Are labels names, ordered, or numbers? It decides how agreement is measured.
    mapping : dict
        A value as it is found to the label it means; null drops it.
    existing : {"error", "keep", "replace"}
        What to do where the table has the target already: refuse, let its labels stand and fill
        the missing ones, or let the new labels win.
    corrections : Corrections or None
        Labels that people corrected.
    model : Model
        By which suspects and the queue are found.
    suspects : Suspects or None
        Look for wrong labels.
    queue : Queue or None
        Choose what to label next.
    label_studio : LabelStudio
        How tasks are written.
    """

    key: list[str]
    target: str
    seed: int = 0
    engine: str = "polars"
    column: str | None = None
    expression: Any = None
    annotators: Annotators | None = None
    rules: Rules | None = None
    labels: list[Any] | None = None
    level: str = "nominal"
    mapping: dict[Any, Any] = field(default_factory=dict)
    existing: str = "error"
    corrections: Corrections | None = None
    model: Model = field(default_factory=Model)
    suspects: Suspects | None = None
    queue: Queue | None = None
    label_studio: LabelStudio = field(default_factory=LabelStudio)

    def __post_init__(self) -> None:
        if not self.key:
            raise ConfigError("the key has no column", where="label.key", got=self.key)
        require_one_of(self.level, ("nominal", "ordinal", "interval"), "label.level")
        require_one_of(self.existing, ("error", "keep", "replace"), "label.existing")
        given = [name for name in _ORIGINS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(
                "labels come from more than one place",
                where="label",
                got=", ".join(given),
                allowed=f"one of {', '.join(_ORIGINS)}",
                hint="write the first as a column, and refine it with existing: keep or replace, "
                "or with corrections",
            )
        self._require_level()
        for value in self.labels or ():
            if not isinstance(value, str | int | float) or (self.labels or []).count(value) > 1:
                raise ConfigError("not a label, or there twice", where="label.labels", got=value)

    def _require_level(self) -> None:
        if self.annotators is None:
            return
        numbers = self.annotators.consensus in ("mean", "median")
        if numbers != (self.level == "interval"):
            raise ConfigError(
                "the consensus and the level of the labels do not fit",
                where="label.annotators.consensus",
                got=f"{self.annotators.consensus} with level: {self.level}",
                allowed="mean or median with level: interval, majority or dawid_skene else",
            )

    @property
    def origin(self) -> str | None:
        """Where labels come from: the name of the field declared, or None."""
        return next((name for name in _ORIGINS if getattr(self, name) is not None), None)

    @property
    def judges(self) -> bool:
        """True where a model looks for suspects or fills the queue."""
        return self.suspects is not None or self.queue is not None


@dataclass(frozen=True)
class Labelled:
    """The table with its labels.

    Attributes
    ----------
    table : Table
        With the target, and ``<target>_confidence`` where labels are a consensus.
    report : dict
        Where labels came from, agreement, rules, corrections, suspects and the queue.
    page : Page
        The same, drawn.
    tasks : list of dict
        Rows whose label is suspected, the most suspicious first, for import into Label Studio.
    queue : list of dict
        Rows to label next, for import into Label Studio.
    """

    table: Table
    report: dict[str, Any]
    page: Page
    tasks: list[dict[str, Any]]
    queue: list[dict[str, Any]]


def label(
    table: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]], config: LabelConfig
) -> Labelled:
    """Label the table.

    Parameters
    ----------
    table : narwhals.LazyFrame
        What integrate left.
    tables : mapping of str to narwhals.LazyFrame
        The collected tables, among which are annotations and corrections.
    config : LabelConfig
        What is declared.

    Raises
    ------
    DataError
        Annotations, rules or corrections are not as declared.
    ConfigError
        A ``_target_`` leads nowhere, or an expression can't be read.
    """
    require_columns(table, config.key, "label.key")
    if config.origin is None and config.corrections is None and not config.judges:
        page = Page(
            "Labels",
            "Nothing is declared under label: in conf/, so the table is passed on as it is.",
            [Section("Labels", [Text("The target comes with the data, or from `clean.steps`.")])],
            kicker="data",
        )
        report = {"target": config.target, "origin": None}
        return Labelled(Table(table, tuple(config.key)), report, page, [], [])
    # Imported here: NumPy and more, which a project that declares nothing does not need.
    from fivefold.data.labelling.process import processed

    return processed(table, tables, config)
