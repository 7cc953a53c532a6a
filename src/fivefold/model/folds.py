"""Which rows a candidate is fitted on, and which it is judged on, fold by fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, DataError
from fivefold.gaps import gap_length
from fivefold.objective import Objective
from fivefold.table import TableSchema, to_arrow

__all__ = ["METHODS", "Folds", "codes_of", "method_of", "require_classes"]

METHODS = ("auto", "kfold", "stratified", "group", "time")

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def method_of(wanted: str, schema: TableSchema, objective: Objective) -> str:
    """Resolve ``auto``: by time where the schema has a time, else by group, else stratified.

    Raises
    ------
    ConfigError
        The schema lacks the column that the method needs, or the task the classes.
    """
    if wanted == "auto":
        if schema.with_role("time"):
            return "time"
        if schema.with_role("group"):
            return "group"
        return "stratified" if objective.is_classification else "kfold"
    for method, role in (("time", "time"), ("group", "group")):
        if wanted == method and not schema.with_role(role):  # type: ignore[arg-type]
            raise ConfigError(
                f"cross-validation by {method} needs a column with the role {role}",
                where="select.cross_validation",
                got=wanted,
                hint=f"set role: {role} on one in conf/schema.yaml, or choose kfold",
            )
    if wanted == "stratified" and not objective.is_classification:
        raise ConfigError(
            "a regression has no classes to stratify by",
            where="select.cross_validation",
            got=wanted,
            allowed=("auto", "kfold", "group", "time"),
        )
    return wanted


class Folds:
    """The folds of a training part.

    Parameters
    ----------
    train : narwhals.LazyFrame
        The training part.
    schema : TableSchema
        Names the time and group columns.
    objective : Objective
        Classes are kept in proportion where there are some.
    method : {"kfold", "stratified", "group", "time"}
        How rows are held out.
    n_folds : int
        How many times.
    seed : int
        For the methods that shuffle.
    gap : str or None
        By time: the last rows before those to score on, which are not fitted on.
    where : str
        Where their number is declared, for messages.
    """

    def __init__(
        self,
        train: nw.LazyFrame[Any],
        schema: TableSchema,
        objective: Objective,
        *,
        method: str,
        n_folds: int,
        seed: int,
        gap: str | None = None,
        where: str = "select.folds",
    ) -> None:
        self._where = where
        self._stratify = objective.is_classification and method != "kfold"
        self._method = method
        self._n_folds = n_folds
        self._seed = seed
        # The first time column orders the rows; all group columns together make a group.
        self._times: NDArray[Any] | None = None
        self._gap: float = 0
        if method == "time":
            name = schema.with_role("time")[0]
            self._times = codes_of(train, [name])
            if gap is not None:
                self._times, self._gap = _moments(train, name, gap)
        self._groups = codes_of(train, schema.with_role("group")) if method == "group" else None

    def split(self, rows: NDArray[np.intp], y: NDArray[Any]) -> Iterator[Fold]:
        """Yield positions within ``rows`` to fit on and to score on.

        Raises
        ------
        DataError
            There are too few rows, groups or members of a class.
        """
        try:
            yield from self._split(rows, y)
        except ValueError as error:
            raise DataError(
                f"the training part can't be cut into {self._n_folds} folds: {error}",
                where=self._where,
                got=f"{len(rows):,} rows, {self._method}",
                hint=f"lower {self._where}"
                + (
                    ", or choose another select.cross_validation"
                    if self._where.startswith("select.")
                    else ""
                ),
            ) from error

    def _split(self, rows: NDArray[np.intp], y: NDArray[Any]) -> Iterator[Fold]:
        from sklearn import model_selection as ms

        shuffled: dict[str, Any] = {
            "n_splits": self._n_folds,
            "shuffle": True,
            "random_state": self._seed,
        }
        if self._times is not None:
            times = self._times[rows]
            order = np.argsort(times, kind="stable")
            for before, after in ms.TimeSeriesSplit(n_splits=self._n_folds).split(order):
                # A moment that the cut goes through belongs to what is scored.
                first = times[order[after[0]]]
                earlier = order[before][times[order[before]] < first - self._gap]
                if not len(earlier):
                    raise ValueError("no row is earlier than the first fold's and its gap")
                yield earlier, order[after]
        elif self._groups is not None:
            splitter = (ms.StratifiedGroupKFold if self._stratify else ms.GroupKFold)(**shuffled)
            yield from splitter.split(rows, y, self._groups[rows])
        else:
            splitter = (ms.StratifiedKFold if self._stratify else ms.KFold)(**shuffled)
            _require_members(y, self._n_folds, self._stratify)
            yield from splitter.split(rows, y)


def require_classes(folds: Sequence[Fold], y: NDArray[Any]) -> None:
    """Make sure that every fold fits on two classes or more.

    Raises
    ------
    DataError
        One does not, so that no estimator could tell classes apart.
    """
    for number, (fitted, _) in enumerate(folds, start=1):
        classes = np.unique(y[fitted])
        if len(classes) < 2:
            raise DataError(
                f"fold {number} of {len(folds)} would fit on one class",
                where="select.folds",
                got=f"{len(fitted):,} rows, all of the class {classes[0]!s}",
                allowed="2 classes or more",
                hint="lower select.folds, or choose another select.cross_validation",
            )


def _require_members(y: NDArray[Any], n_folds: int, stratify: bool) -> None:
    # scikit-learn only warns of a class too small for every fold to hold one.
    if not stratify:
        return
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < n_folds:
        smallest = classes[counts.argmin()]
        raise ValueError(f"the class {smallest!s} has {counts.min()} rows")


def _moments(train: nw.LazyFrame[Any], name: str, gap: str) -> tuple[NDArray[Any], Any]:
    """Give the time of each row and the gap, both in one unit; a missing time comes first."""
    import pyarrow as pa

    column = to_arrow(train.select(name))[name]
    if pa.types.is_date32(column.type):
        length = gap_length(gap, "date", "split.gap")
        whole = column.cast(pa.int32()).cast(pa.int64())
    elif pa.types.is_temporal(column.type):
        length = gap_length(gap, "datetime", "split.gap")
        zone = getattr(column.type, "tz", None)
        whole = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    else:
        length = gap_length(gap, "number", "split.gap")
        return column.cast(pa.float64()).fill_null(-np.inf).to_numpy(), length
    assert isinstance(length, timedelta)  # noqa: S101 - of a time
    unit = timedelta(days=1) if pa.types.is_date32(column.type) else timedelta(microseconds=1)
    return whole.fill_null(-(2**62)).to_numpy(), length // unit


def codes_of(frame: nw.LazyFrame[Any], names: list[str]) -> NDArray[np.intp]:
    """Give each distinct row of some columns a number, in their order; missing comes first."""
    table = to_arrow(frame.select(*names))
    codes = np.zeros(table.num_rows, dtype=np.intp)
    for name in names:
        column = table[name].combine_chunks().dictionary_encode()
        column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        ranks = np.argsort(np.argsort(_sortable(column.dictionary)))
        filled = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        here = np.where(filled < 0, 0, ranks[filled] + 1) if len(ranks) else filled * 0
        codes = np.unique(codes * (len(ranks) + 1) + here, return_inverse=True)[1]
    return codes


def _sortable(dictionary: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_temporal(dictionary.type):
        width = pa.int32() if dictionary.type.bit_width == 32 else pa.int64()
        return np.asarray(dictionary.cast(width).to_numpy(zero_copy_only=False))
    return np.asarray(dictionary.to_numpy(zero_copy_only=False))
