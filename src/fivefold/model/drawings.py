"""How the test part's rows are drawn in a bootstrap: as the split and the schema say they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, DataError
from fivefold.model.folds import codes_of
from fivefold.resampling import Clusters, Drawing, Rows, Strata, TimeBlocks, block_length
from fivefold.scoring import Predictions
from fivefold.table import TableSchema, require_columns

if TYPE_CHECKING:
    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["FEWEST_UNITS", "Scheme", "scheme_of"]

FEWEST_UNITS = 10
"""Of fewer groups or moments a bootstrap tells little: intervals come out too narrow."""


@dataclass(frozen=True)
class Scheme:
    """A way to draw the test part's rows.

    Attributes
    ----------
    drawing : Drawing
        In the order of the rows.
    told : dict
        ``method``, ``why``, ``columns``, ``units`` (groups or moments) and ``block`` (moments).
    """

    drawing: Drawing
    told: dict[str, Any]

    def part(self, rows: NDArray[np.intp]) -> tuple[Drawing, bool]:
        """Give the drawing of some rows, and whether it is still the scheme's.

        A part that holds too few groups or moments is drawn row by row.
        """
        drawing = self.drawing.take(rows)
        if _units(drawing) < FEWEST_UNITS:
            return Rows(len(rows)), False
        return drawing, True


def scheme_of(
    test: nw.LazyFrame[Any],
    train: nw.LazyFrame[Any],
    predictions: Predictions,
    schema: TableSchema,
    config: EvaluateConfig,
) -> Scheme:
    """Choose how rows are drawn; see :class:`fivefold.model.evaluate.Bootstrap`.

    Raises
    ------
    ConfigError
        The method needs a column that neither the split nor the schema names, or classes.
    DataError
        The test part has too few groups or moments for the method.
    """
    wanted = config.bootstrap.method
    method, why = (
        (wanted, "as declared") if wanted != "auto" else _auto(test, train, schema, config)
    )
    if method in ("rows", "stratified"):
        return _by_rows(method, why, test, predictions, config)
    columns = _columns(method, schema, config)
    require_columns(test, columns, where="evaluate.bootstrap.columns", table="the test part")
    codes = codes_of(test, columns)
    units = len(np.unique(codes))
    if units < FEWEST_UNITS:
        named = "groups" if method == "group" else "moments"
        if wanted != "auto":
            raise DataError(
                f"the test part has too few {named} to draw from",
                where=f"evaluate.bootstrap.method: {method}, by {', '.join(columns)}",
                got=units,
                allowed=f"at least {FEWEST_UNITS}",
                hint="take a finer column, or evaluate.bootstrap.method: rows",
            )
        why = f"{why}, but the test part has {units} {named} only: intervals may be too narrow"
        return _by_rows("rows", why, test, predictions, config)
    told = {"method": method, "why": why, "columns": columns, "units": units, "block": None}
    if method == "group":
        return Scheme(Clusters(codes), told)
    length = config.bootstrap.block or block_length(_per_moment(codes, predictions))
    return Scheme(TimeBlocks(codes, length), {**told, "block": length})


def _auto(
    test: nw.LazyFrame[Any], train: nw.LazyFrame[Any], schema: TableSchema, config: EvaluateConfig
) -> tuple[str, str]:
    made = config.split.get("method")
    if made == "time":
        return "time", "the split is by time"
    if made == "grouped":
        return "group", "the split is by group"
    if made == "stratified":
        return "stratified", "the split is stratified"
    if made == "random":
        return "rows", "the split is by rows"
    # A column says which part a row is of: how that came about, only the rows themselves can tell.
    times, groups = schema.with_role("time")[:1], schema.with_role("group")
    if times:
        last, first = (
            nw.to_native(part.select(nw.col(times[0]).max() if late else nw.col(times[0]).min())
            .collect("pyarrow"))[0][0].as_py()
            for part, late in ((train, True), (test, False))
        )  # fmt: skip
        if last is not None and first is not None and last <= first:
            return "time", "the test part is later than the training part"
    if groups and not _share_groups(train, test, groups):
        return "group", "no group of the test part is in the training part"
    return "rows", "nothing says that rows depend on each other"


def _share_groups(train: nw.LazyFrame[Any], test: nw.LazyFrame[Any], groups: list[str]) -> bool:
    both = test.select(*groups).unique().join(train.select(*groups).unique(), on=groups)
    return len(both.collect("pyarrow")) > 0


def _columns(method: str, schema: TableSchema, config: EvaluateConfig) -> list[str]:
    if config.bootstrap.columns:
        return list(config.bootstrap.columns)
    if method == "time":
        found = [config.split["time"]] if config.split.get("time") else []
        found = found or schema.with_role("time")[:1]
    else:
        by = config.split.get("by") if config.split.get("method") == "grouped" else None
        found = [by] if by else schema.with_role("group")
    if not found:
        raise ConfigError(
            f"drawing by {method} needs a column",
            where="evaluate.bootstrap.columns",
            got="none, and no column has the role",
            hint=f"name it there, or set role: {method} on it in conf/schema.yaml",
        )
    return found


def _by_rows(
    method: str,
    why: str,
    test: nw.LazyFrame[Any],
    predictions: Predictions,
    config: EvaluateConfig,
) -> Scheme:
    told: dict[str, Any] = {
        "method": method, "why": why, "columns": [], "units": len(predictions), "block": None,
    }  # fmt: skip
    if method == "rows":
        return Scheme(Rows(len(predictions)), told)
    made = config.split.get("by") if config.split.get("method") == "stratified" else None
    columns = list(config.bootstrap.columns) or ([made] if made else [])
    if columns:
        require_columns(test, columns, where="evaluate.bootstrap.columns", table="the test part")
        return Scheme(Strata(codes_of(test, columns)), {**told, "columns": columns})
    if predictions.value is not None:
        raise ConfigError(
            "a regression has no classes to stratify by",
            where="evaluate.bootstrap.method",
            got=method,
            hint="name columns whose values are the strata in evaluate.bootstrap.columns",
        )
    codes = np.unique(predictions.y_true.astype(str), return_inverse=True)[1]
    return Scheme(Strata(codes), told)


def _units(drawing: Drawing) -> int:
    if isinstance(drawing, Clusters | TimeBlocks):
        return len(np.unique(drawing.codes))
    return FEWEST_UNITS


def _per_moment(codes: NDArray[np.intp], p: Predictions) -> NDArray[np.float64]:
    """Give the mean loss of each moment, in the order of time."""
    if p.value is not None:
        loss = np.abs(p.y_true - p.value)
    elif p.score is not None and p.score.ndim == 1 and p.probabilistic:
        loss = (p.positive - p.score) ** 2
    else:
        loss = (p.y_true != p.label).astype(np.float64)
    dense = np.unique(codes, return_inverse=True)[1]
    result: NDArray[np.float64] = np.bincount(dense, weights=loss) / np.bincount(dense)
    return result
