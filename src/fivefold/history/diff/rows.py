"""Predictions row by row, as arrays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.history.diff.rowspec import RowSpec
from fivefold.metrics import METRICS, Task

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from fivefold.scoring import Predictions

__all__ = [
    "Rows",
    "UnreadableError",
    "computable",
    "read_rows",
    "read_table",
]


class UnreadableError(ValueError):
    """A table that isn't as declared, or that no reader takes."""


@dataclass(frozen=True)
class Rows:
    """Predictions as they were read.

    Attributes
    ----------
    spec : RowSpec
    task : {"binary", "multiclass", "regression"}
    table : pyarrow.Table
        With the key columns and the target.
    scores : tuple of ndarray of shape (n_rows,)
        One for two classes, one per class for more; empty where there are none.
    classes : tuple of str
        The classes that the scores of more than two are of, as the columns name them.
    predicted : pyarrow.ChunkedArray or None
        Classes or values.
    """

    spec: RowSpec
    task: Task
    table: pa.Table
    scores: tuple[NDArray[Any], ...]
    classes: tuple[str, ...]
    predicted: pa.ChunkedArray | None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def target(self) -> pa.ChunkedArray:
        """The true values."""
        return self.table[self.spec.target]

    def key_columns(self) -> list[pa.ChunkedArray]:
        """Give the columns that tell the rows apart."""
        return [self.table[name] for name in self.spec.key]

    def predictions(self, values: Sequence[Any]) -> Predictions:
        """Give the predictions with classes by their position.

        Parameters
        ----------
        values : sequence
            All classes, ascending; of two the last is the positive one. Unused for regression.

        Raises
        ------
        UnreadableError
            Where the columns don't fit the classes.
        """
        import numpy as np

        from fivefold.scoring import Predictions

        if self.task == "regression":
            assert self.predicted is not None  # noqa: S101  read_rows asks for it
            return Predictions(_numbers(self.target), value=_numbers(self.predicted))
        true = _positions(self.target, values)
        classes = np.arange(len(values))
        score: NDArray[np.float64] | None = None
        if self.task == "binary" and self.scores:
            score = self.scores[0]
        elif self.scores:
            named = [str(value) for value in values]
            missing = sorted(set(named) - set(self.classes))
            if missing:
                raise UnreadableError(f"{self.spec.path} has no scores of {', '.join(missing)}")
            # A class that no row is of has scores all the same, which count in the log loss.
            named += [name for name in self.classes if name not in named]
            classes = np.arange(len(named))
            by_class = dict(zip(self.classes, self.scores, strict=True))
            score = np.column_stack([by_class[name] for name in named])
        if self.predicted is not None:
            label = _positions(self.predicted, values)
        elif score is not None:
            label = (score >= 0.5).astype(np.intp) if score.ndim == 1 else score.argmax(axis=1)
        else:
            raise UnreadableError(f"{self.spec.path} holds neither scores nor predictions")
        sound = score is None or bool(((score >= 0) & (score <= 1)).all())
        return Predictions(true, classes, score, label, probabilistic=sound)


def read_table(source: Path | bytes, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet or CSV file.

    Raises
    ------
    UnreadableError
        Where it is none, or has no such column.
    """
    import pyarrow as pa

    suffix = path.rpartition(".")[2].lower()
    given = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        if suffix in ("parquet", "pq"):
            from pyarrow import parquet

            # Not read_table, which imports pandas: that alone would take longer than a diff.
            with parquet.ParquetFile(given) as file:
                absent = set(columns or ()) - set(file.schema_arrow.names)
                if absent:
                    raise KeyError(f"it has no column {', '.join(sorted(absent))}")
                return file.read(columns=list(columns) if columns else None)
        if suffix in ("csv", "tsv"):
            from pyarrow import csv

            options = csv.ParseOptions(delimiter="\t" if suffix == "tsv" else ",")
            table = csv.read_csv(given, parse_options=options)
            return table.select(list(columns)) if columns else table
    except (pa.ArrowException, KeyError, OSError) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        first = text.splitlines()[0] if text else type(error).__name__
        raise UnreadableError(f"{path} can't be read: {first}") from error
    raise UnreadableError(f"{path} is neither Parquet nor CSV")


def read_rows(source: Path | bytes, spec: RowSpec) -> Rows:
    """Read predictions.

    Raises
    ------
    UnreadableError
        Where a column is absent or doesn't hold what it should.
    """
    import pyarrow as pa

    table = read_table(source, spec.path)
    names = table.column_names
    for name in (*spec.key, spec.target, spec.score, spec.predicted):
        if name and name not in names and not (spec.task == "multiclass" and name == spec.score):
            raise UnreadableError(f"{spec.path} has no column {name}")
    target = table[spec.target]
    if target.null_count:
        raise UnreadableError(f"{spec.path} has rows without {spec.target}")
    task = spec.task or _task(target)
    scores, predicted = _ours(names, spec) if spec.ours else _named(names, spec, task)
    if task == "regression":
        predicted, scores = predicted or spec.score, []
        if predicted is None:
            raise UnreadableError(f"{spec.path} has no column of predicted values")
    prefix = "score_" if spec.ours else spec.score or ""
    try:
        return Rows(
            spec,
            task,
            table,
            tuple(_numbers(table[name]) for name in scores),
            tuple(name.removeprefix(prefix) for name in scores),
            table[predicted] if predicted else None,
        )
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UnreadableError(f"{spec.path} holds scores that are no numbers") from error


def _ours(names: Sequence[str], spec: RowSpec) -> tuple[list[str], str | None]:
    """Tell the columns by their order: a key column named ``score`` moves ours aside."""
    rest = [name for name in names if name not in {*spec.key, spec.target}]
    if not rest:
        raise UnreadableError(f"{spec.path} has no predictions")
    return rest[:-1], rest[-1]


def _named(names: Sequence[str], spec: RowSpec, task: Task) -> tuple[list[str], str | None]:
    if spec.score is None:
        return [], spec.predicted
    if task != "multiclass":
        return [spec.score], spec.predicted
    taken = {*spec.key, spec.target, spec.predicted}
    scores = [name for name in names if name.startswith(spec.score) and name not in taken]
    return scores, spec.predicted


def _task(target: pa.ChunkedArray) -> Task:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.count_distinct(target).as_py() <= 2:
        return "binary"
    return "regression" if pa.types.is_floating(target.type) else "multiclass"


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    import numpy as np

    from fivefold.history.diff.arrays import floats

    values = floats(column)
    if not np.isfinite(values).all():
        raise UnreadableError("a target, score or prediction is not a finite number")
    return values


def _positions(column: pa.ChunkedArray, values: Sequence[Any]) -> NDArray[Any]:
    """Give each row's class as its position among the classes."""
    import numpy as np

    from fivefold.history.diff.arrays import encoded

    codes, seen = encoded(column)
    places = {value: place for place, value in enumerate(values)}
    found: NDArray[Any] = np.array([places[value] for value in seen], dtype=np.int64)[codes]
    return found


def computable(task: Task, predictions: Predictions) -> list[str]:
    """Name the metrics of the catalogue that the predictions suffice for."""
    from fivefold.scoring import RANKING

    found = []
    for name, metric in METRICS.items():
        if task not in metric.tasks:
            continue
        unscored = metric.needs == "score" and predictions.score is None
        if not unscored and (
            metric.needs != "score" or predictions.probabilistic or name in RANKING
        ):
            found.append(name)
    return found
