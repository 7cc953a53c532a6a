"""Clean: mend the one table step by step, and keep an audit of what each step did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from fivefold.callables import require_target
from fivefold.data.audit import Auditor
from fivefold.data.findings import find, require_target_varies
from fivefold.data.stepping import Stepper, calls_of
from fivefold.data.training import TRAINING
from fivefold.errors import ConfigError, DataError
from fivefold.table import Table, require_columns
from fivefold.table.engine import names_of
from fivefold.table.settle import MEMORY_CELLS, settle

__all__ = ["CleanConfig", "Cleaned", "clean"]


@dataclass(frozen=True)
class CleanConfig:
    """How the table is mended.

    Attributes
    ----------
    key : list of str
        The columns that together name a row.
    target : str
        The column that is predicted; it must be there when the steps are done.
    engine : str
        What runs the steps: pandas, polars or duckdb.
    steps : list of dict
        In order; each is ``_target_``, the dotted name of a function, and its arguments. The
        function takes a table, and gives one: see :func:`fivefold.data.steps.run_step`. One that
        learns from other rows learns from those that ``split`` will train on: see
        :mod:`fivefold.data.fitting`.
    split : dict
        The section ``split`` of the config; without it no step can learn.
    """

    key: list[str]
    target: str
    engine: str = "polars"
    steps: list[dict[str, Any]] = field(default_factory=list)
    split: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.key:
            raise ConfigError("the key has no column", where="clean.key", got=self.key)
        for number, step in enumerate(self.steps):
            require_target(step, f"clean.steps.{number}")


@dataclass(frozen=True)
class Cleaned:
    """The mended table.

    Attributes
    ----------
    table : Table
        What the steps left.
    audit : dict
        Per step: rows, columns and cells before and after, cells changed, what it learnt, examples.
        And what was found in the end: columns that are constant, that name the row, that repeat
        another or give the target away, and infinities.
    """

    table: Table
    audit: dict[str, Any]


def clean(table: nw.LazyFrame[Any], config: CleanConfig) -> Cleaned:
    """Run the steps in order.

    Parameters
    ----------
    table : narwhals.LazyFrame
        What integrate left.
    config : CleanConfig
        The steps.

    Raises
    ------
    DataError
        A step failed, left no row, or the target is missing or always the same.
    ConfigError
        A ``_target_`` leads nowhere, or an argument is unknown.
    """
    require_columns(table, config.key, "clean.key")
    # All names are looked up first: a typo in the last step should not cost the others' time.
    calls = calls_of(config.steps, config.key, config.target)
    auditor = Auditor(table, config.key)
    if auditor.rows_at_first == 0:
        raise DataError(
            "the table has no row to clean",
            where="clean",
            hint="look at what collect and integrate report, and at the sources",
        )
    stepper = Stepper(config.split, config.key, config.target, config.engine, auditor)
    frame = settle(table, stepper.cells(table), cheap=True)
    for call in calls:
        frame = stepper.run(call, frame)
    if TRAINING in names_of(frame):
        frame = frame.drop(TRAINING)
    # What follows reads the table many times, so that a copy is worth its memory if it is small.
    cells = stepper.cells(frame)
    frame = settle(frame, cells, cheap=cells > MEMORY_CELLS)
    require_columns(frame, [config.target], "clean.target")
    target = require_target_varies(frame, config.target)
    audit = {
        "rows_before": auditor.rows_at_first,
        "rows": auditor.rows,
        "columns": len(names_of(frame)),
        "steps": auditor.steps,
        "target": {"column": config.target, **target},
        "findings": find(frame, config.target, auditor.rows, target["values"], config.key),
    }
    return Cleaned(Table(frame, tuple(config.key)), audit)
