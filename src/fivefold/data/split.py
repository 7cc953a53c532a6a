"""Split: cut the table into train, test and production parts that share no row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, SplitError, nearest
from fivefold.objective import Objective
from fivefold.table import Table, TableSchema, require_columns

__all__ = ["Split", "SplitConfig", "split"]

METHODS = ("time", "random", "stratified", "grouped", "column")


@dataclass(frozen=True)
class SplitConfig:
    """How the table is split.

    Attributes
    ----------
    key : list of str
        The columns that together name a row.
    method : {"time", "random", "stratified", "grouped", "column"}
        time: the past is for training. random: each row by chance. stratified: the same share of
        every class. grouped: whole groups by chance. column: as a column says.
    seed : int
        Draws the rows or groups.
    engine : str
        What runs it: pandas, polars or duckdb.
    time : str or None
        For time: the column by which a row is early or late.
    train_until, test_until, production_until : str or None
        For time: where each part ends, a date or time in ISO 8601 (UTC if it names no zone) or a
        number; the end itself is not included. Without ``test_until`` there is no production part.
        Rows from ``production_until`` on are not used.
    test, production : float
        For random, stratified and grouped: the part's share of the rows, in [0, 1); together
        below 1.
    by : str or None
        For stratified: the column whose values are the strata, the target if None. For grouped: the
        column whose values are the groups. For column: the column that holds the words train, test
        and production; rows with no value there are not used.
    """

    key: list[str]
    method: str = "random"
    seed: int = 0
    engine: str = "polars"
    time: str | None = None
    train_until: str | None = None
    test_until: str | None = None
    production_until: str | None = None
    test: float = 0.2
    production: float = 0.0
    by: str | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(
                "the method of splitting is unknown",
                where="split.method",
                got=self.method,
                allowed=METHODS,
                hint=nearest(self.method, METHODS),
            )
        if not self.key:
            raise ConfigError("the key has no column", where="split.key", got=self.key)
        if not (0 < self.test < 1 and 0 <= self.production < 1 - self.test):
            raise ConfigError(
                "the shares of the parts leave nothing to train on or to test",
                where="split.test, split.production",
                got=f"test {self.test}, production {self.production}",
                allowed="test in (0, 1), production in [0, 1), together below 1",
            )
        if self.production_until is not None and self.test_until is None:
            raise ConfigError("production_until needs test_until", where="split.production_until")
        required = {"time": ("time", "train_until"), "grouped": ("by",), "column": ("by",)}
        for name in required.get(self.method, ()):
            if getattr(self, name) is None:
                raise ConfigError(
                    f"method: {self.method} needs {name}",
                    where=f"split.{name}",
                    got="null",
                    hint=f"set split.{name} in conf/config.yaml",
                )


@dataclass(frozen=True)
class Split:
    """The parts.

    Attributes
    ----------
    train, test, production : Table
        No row in two of them; production may have none.
    report : dict
        Per part: rows, target, time range, and a fingerprint of the keys.
    """

    train: Table
    test: Table
    production: Table
    report: dict[str, Any]


def split(
    table: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: SplitConfig
) -> Split:
    """Split the table.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    schema : TableSchema
        Names the time column for the report.
    objective : Objective
        Names the target.
    config : SplitConfig
        The method.

    Raises
    ------
    SplitError
        Train or test is empty, a class is missing in one, a key stands twice, or a row has no time
        or group.
    """
    # Imported here: NumPy, which composing the config does not need.
    from fivefold.data.splitting import PART, described, parted

    require_columns(table, config.key, "split.key")
    require_columns(table, [objective.target], "plan.target")
    for name in ("time", "by"):
        column = getattr(config, name)
        if column is not None:
            require_columns(table, [column], f"split.{name}")
    frame, columns = parted(table, objective, config)
    report = described(columns, schema, objective, config)
    for part in ("train", "test"):
        _require_whole(part, report, objective)
    train, test, production = (
        Table(frame.filter(nw.col(PART) == number).drop(PART), tuple(config.key))
        for number in range(3)
    )
    return Split(train, test, production, report)


def _require_whole(part: str, report: dict[str, Any], objective: Objective) -> None:
    known = report["parts"][part]
    if known["rows"] == 0:
        raise SplitError(
            f"the {part} part is empty",
            where=f"split.method: {report['method']}",
            got=", ".join(f"{name}: {p['rows']:,} rows" for name, p in report["parts"].items()),
            hint="look at the boundaries or shares under split: in conf/config.yaml",
        )
    if not objective.is_classification:
        return
    for name, other in report["parts"].items():
        for class_ in other["classes"]:
            if class_ not in known["classes"]:
                raise SplitError(
                    f"the {part} part has no row of the class {class_!r}",
                    where=f"the target {objective.target!r}",
                    got=f"{other['classes'][class_]:,} rows of it in the {name} part",
                    hint="use method: stratified, or other boundaries",
                )
