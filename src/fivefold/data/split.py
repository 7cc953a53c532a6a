"""Split: cut the table into train, test and production parts that share no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import narwhals as nw

from fivefold.errors import ConfigError, SplitError, nearest
from fivefold.objective import Objective
from fivefold.table import Table, TableSchema, require_columns

__all__ = ["Split", "SplitConfig", "split"]

METHODS = ("time", "random", "stratified", "grouped", "column")
DUPLICATES = ("error", "warn", "ignore")


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
        below 1. With ``folds`` the test part is a fold, and ``test`` counts for nothing.
    folds : int or None
        For random, stratified and grouped: the outer folds of a nested cross-validation, 2 to 100.
        The rows that are not for production are cut into so many test parts; what is left of them
        trains, and ``select`` cuts its own, inner folds from that.
    fold : int
        Which outer fold is the test part, 0 to ``folds`` - 1.
    gap : str or None
        For time: the last rows before ``train_until`` that are used for nothing, so that what was
        not yet known of them at that time can't be learnt: ``30m``, ``12h``, ``7d`` or ``2w``, or a
        number where the column holds numbers.
    by : str or None
        For stratified: the column whose values are the strata, the target if None. For grouped: the
        column whose values are the groups. For column: the column that holds the words train, test
        and production; rows with no value there are not used.
    sealed : bool
        May only the stage ``evaluate`` read the test part? Then ``fivefold check`` refuses any
        other stage that lists it under its deps.
    duplicates : {"error", "warn", "ignore"}
        What to do about rows of the test part whose features repeat a row of the training part:
        the same after texts are normalised and numbers rounded.
    digits : int
        Significant digits that numbers are rounded to before they are compared, 1 to 15.
    max_duplicates : float
        The share of the test part that may repeat training rows, 0 to 1.
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
    folds: int | None = None
    fold: int = 0
    gap: str | None = None
    sealed: bool = False
    duplicates: str = "error"
    digits: int = 6
    max_duplicates: float = 0.01

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> SplitConfig:
        """Read it from the section ``split``, for a stage before the split that looks at the parts.

        Raises
        ------
        ConfigError
            As for the stage split itself, which alone names an unknown key.
        """
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in section.items() if name in known})

    def __post_init__(self) -> None:
        for name, value, known in (
            ("method", self.method, METHODS),
            ("duplicates", self.duplicates, DUPLICATES),
        ):
            if value not in known:
                raise ConfigError(
                    "the method of splitting is unknown"
                    if name == "method"
                    else "what to do about duplicates is unknown",
                    where=f"split.{name}",
                    got=value,
                    allowed=known,
                    hint=nearest(value, known),
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
        bounds: tuple[tuple[str, float | None, float, float], ...] = (
            ("digits", self.digits, 1, 15),
            ("max_duplicates", self.max_duplicates, 0, 1),
            ("folds", self.folds, 2, 100),
            ("fold", self.fold, 0, (self.folds or 1) - 1),
        )
        for name, number, low, high in bounds:
            if number is not None and not low <= number <= high:
                raise ConfigError(
                    f"{name} is out of bounds",
                    where=f"split.{name}",
                    got=number,
                    allowed=f"{low} to {high}",
                    hint="fold counts from 0, and needs folds" if name == "fold" else None,
                )
        methods: tuple[tuple[str, object, tuple[str, ...]], ...] = (
            ("folds", self.folds, ("random", "stratified", "grouped")),
            ("gap", self.gap, ("time",)),
        )
        for name, given, takers in methods:
            if given is not None and self.method not in takers:
                raise ConfigError(
                    f"method: {self.method} takes no {name}",
                    where=f"split.{name}",
                    got=given,
                    allowed=f"{name} with method: {', '.join(takers)}",
                    hint="move the boundaries for another fold" if name == "folds" else None,
                )
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
    table: nw.LazyFrame[Any],
    quarantine: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: SplitConfig,
) -> Split:
    """Split the table.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The cleaned rows.
    quarantine : narwhals.LazyFrame
        The rows that validate set aside; they go into no part.
    schema : TableSchema
        Names the features, and the time column for the report.
    objective : Objective
        Names the target.
    config : SplitConfig
        The method.

    Raises
    ------
    SplitError
        Train or test is empty, a class is missing in one, a key stands twice, a row has no time or
        group, or rows of the test repeat rows of the training part.
    """
    # Imported here: NumPy, which composing the config does not need.
    from fivefold.data.described import Described
    from fivefold.data.overlap import compared
    from fivefold.data.quarantine import without_quarantined
    from fivefold.data.splitting import PART, parted

    require_columns(table, config.key, "split.key")
    require_columns(table, [objective.target], "plan.target")
    for name in ("time", "by"):
        column = getattr(config, name)
        if column is not None:
            require_columns(table, [column], f"split.{name}")
    kept = without_quarantined(table, quarantine, config.key)
    frame, columns = parted(kept, objective, config)
    report = Described(columns, schema, objective, config).report()
    for part in ("train", "test"):
        _require_whole(part, report, objective)
    report |= compared(frame, schema, objective, config)
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
            got=", ".join(f"{name}: {p['rows']:,} rows" for name, p in report["parts"].items())
            + _range(report),
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


def _range(report: dict[str, Any]) -> str:
    """Say from when to when the parts' rows are, where a boundary may lie outside of that."""
    times = [part["time"] for part in report["parts"].values() if "time" in part]
    if report["method"] != "time" or not times:
        return ""
    first, last = min(t["first"] for t in times), max(t["last"] for t in times)
    return f"; {times[0]['column']} goes from {first} to {last}"
