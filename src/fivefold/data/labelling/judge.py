"""The model by which doubtful and instructive rows are found: its rows, columns and verdicts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fivefold.callables import call_of
from fivefold.data.keys import count_rows
from fivefold.data.labelling.votes import Floats, Ints
from fivefold.data.rowhash import row_hashes, uniform
from fivefold.data.values import dtype_name
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.features import feature_frame
from fivefold.table import Column, TableSchema, from_arrow, require_columns, to_arrow
from fivefold.table.arrays import integers
from fivefold.table.engine import batches

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig

__all__ = ["Judge", "Rows", "drawn", "features_of"]

_USABLE = ("integer", "number", "boolean", "string")
_CATEGORIES = 50


def features_of(
    frame: nw.LazyFrame[Any], config: LabelConfig, made_of: Sequence[str]
) -> dict[str, str]:
    """Name the columns that the model sees, and their types.

    Raises
    ------
    DataError
        A declared column is absent or of a type that no model takes, or none is left.
    """
    schema = frame.collect_schema()
    kinds = {name: dtype_name(dtype) for name, dtype in schema.items()}
    declared = config.model.features
    require_columns(frame, [*(declared or ()), *config.model.exclude], "label.model")
    hidden = {*config.key, config.target, *config.model.exclude}
    if declared is None:
        hidden |= {*made_of, config.model.group or "", config.model.time or ""}
    names = [name for name in (declared or kinds) if name not in hidden]
    if declared is None:
        names = [name for name in names if kinds[name] in _USABLE]
    for name in names:
        if kinds[name] not in _USABLE:
            raise DataError(
                f"a {kinds[name]} can't be a feature as it is",
                where=f"label.model.features: {name}",
                got=kinds[name],
                allowed=_USABLE,
            )
    if not names:
        raise DataError(
            "the model has no column to judge by",
            where="label.model.features",
            got=", ".join(kinds),
            hint="declare label.model.features",
        )
    return {name: kinds[name] for name in names}


def drawn(
    frame: nw.LazyFrame[Any], config: LabelConfig, columns: Sequence[str]
) -> tuple[pa.Table, int]:
    """Draw a sample of rows by the hashes of their keys, and sort it by key.

    Where there are more rows than ``label.model.most_rows``, each has the same chance and the
    sample about that size; only the keys, in batches, are looked at for it.

    Returns
    -------
    pyarrow.Table
        The columns of the rows drawn.
    int
        How many rows there are in all.
    """
    total = count_rows(frame)
    names = list(dict.fromkeys([*config.key, *columns]))
    wanted = frame.select(*names)
    if total > config.model.most_rows:
        share = config.model.most_rows / total
        schema, stream = batches(frame.select(*config.key))
        kept = []
        for batch in stream:
            keys = pa.Table.from_batches([batch], schema)
            _require_whole(keys, config.key)
            kept.append(keys.filter(uniform(row_hashes(keys, config.key, config.seed)) < share))
        chosen = from_arrow(pa.concat_tables(kept), config.engine)
        wanted = wanted.join(chosen, on=config.key, how="inner")
    rows = to_arrow(wanted)
    _require_whole(rows, config.key)
    return rows.sort_by([(name, "ascending") for name in config.key]).combine_chunks(), total


def _require_whole(rows: pa.Table, key: Sequence[str]) -> None:
    for name in key:
        if rows[name].null_count:
            raise DataError(f"rows have no value in the key column {name!r}", where="label.key")


@dataclass(frozen=True)
class Rows:
    """Rows that a model judges or learns from.

    Attributes
    ----------
    table : pyarrow.Table
        Sorted by key.
    features : pandas.DataFrame
        What the model sees.
    """

    table: pa.Table
    features: Any

    def take(self, places: NDArray[Any]) -> Rows:
        """Give some of the rows."""
        return Rows(self.table.take(pa.array(places)), self.features.iloc[places])


class Judge:
    """The declared model, fitted as often as it is asked.

    Parameters
    ----------
    config : LabelConfig
        Its ``model`` and ``seed``.
    kinds : mapping of str to str
        The columns it sees, and their types.
    """

    def __init__(self, config: LabelConfig, kinds: dict[str, str]) -> None:
        self._config = config
        self._kinds = kinds
        self._schema = TableSchema(
            columns={name: Column(dtype=kind, nullable=True) for name, kind in kinds.items()}
        )

    def rows(self, table: pa.Table) -> Rows:
        """Give a table's rows as the model sees them."""
        return Rows(table, feature_frame(nw.from_native(table).lazy(), self._schema))

    def out_of_fold(self, rows: Rows, labels: Ints, classes: int) -> Floats:
        """Judge each row by a model that has not seen it.

        Returns
        -------
        ndarray, shape (n_rows, n_classes)
            The probability of each class.
        """
        chances = np.zeros((len(labels), classes))
        for fitting, judged in self._folds(rows, labels):
            chances[judged] = self.fitted_chances(
                rows.features.iloc[fitting], labels[fitting], rows.features.iloc[judged], classes
            )
        return chances

    def fitted_chances(self, known: Any, labels: Ints, asked: Any, classes: int) -> Floats:
        """Fit on some rows, and give the probability of each class of others."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        chances = np.zeros((len(asked), classes))
        if len(np.unique(labels)) < 2:
            chances[:, labels[0]] = 1
            return chances
        model = self._built()
        # BLAS splits sums by its number of threads; and beside other stages the threads of boosting
        # wait for one another more than they work: 20 s became more than 90 s.
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            warnings.simplefilter("ignore")
            try:
                model.fit(known, labels)
                given = model.predict_proba(asked)
            except FivefoldError:
                raise
            except Exception as error:
                raise DataError(
                    f"the model raised {type(error).__name__}: {str(error).splitlines()[0]}",
                    where="label.model.estimator",
                ) from error
        chances[:, np.asarray(model.classes_, dtype=np.int64)] = given
        # Engines give the same rows, so these are the same; another processor may round otherwise.
        return np.round(chances, 6)

    def matrix(self, fitted_on: Any, asked: Any) -> Floats:
        """Give rows as standardised numbers, by which their difference is measured."""
        columns = self._columns().fit(fitted_on)
        return np.asarray(columns.transform(asked), dtype=np.float64)

    def _built(self) -> Any:
        from sklearn.pipeline import Pipeline

        declared = self._config.model.estimator
        if declared is None:
            from sklearn.ensemble import HistGradientBoostingClassifier

            model: Any = HistGradientBoostingClassifier(early_stopping=False)
        else:
            model = call_of(declared, "label.model.estimator")()
        if not hasattr(model, "fit") or not hasattr(model, "predict_proba"):
            raise ConfigError(
                "not a classifier that gives probabilities",
                where="label.model.estimator",
                got=type(model).__name__,
                allowed="an estimator with fit and predict_proba",
            )
        params = model.get_params() if hasattr(model, "get_params") else {}
        unset = {
            name: self._config.seed
            for name, value in params.items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        if unset:
            model.set_params(**unset)
        # A pipeline brings its own preprocessing: of texts, say.
        return (
            model
            if isinstance(model, Pipeline)
            else Pipeline([("columns", self._columns()), ("model", model)])
        )

    def _columns(self) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        texts = [name for name, kind in self._kinds.items() if kind == "string"]
        numbers = [name for name in self._kinds if name not in texts]
        filled = SimpleImputer(strategy="median", keep_empty_features=True)
        encoded = OneHotEncoder(
            max_categories=_CATEGORIES,
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
            dtype=np.float32,
        )
        return ColumnTransformer(
            [
                ("numbers", Pipeline([("fill", filled), ("scale", StandardScaler())]), numbers),
                ("texts", encoded, texts),
            ]
        )

    def _folds(self, rows: Rows, labels: Ints) -> Iterator[tuple[Ints, Ints]]:
        from sklearn import model_selection as ms

        model = self._config.model
        if model.time is not None:
            yield from _spans(rows.table[model.time], model.folds)
            return
        shuffled = {"shuffle": True, "random_state": self._config.seed}
        folds = min(model.folds, int(np.bincount(labels)[np.unique(labels)].min()))
        if model.group is not None:
            groups = _codes(rows.table[model.group])
            folds = min(folds, len(np.unique(groups)))
            if folds < 2:
                raise DataError("there is a single group", where="label.model.group")
            splitter = ms.StratifiedGroupKFold(n_splits=folds, **shuffled)
            yield from splitter.split(labels, labels, groups)
        else:
            yield from ms.StratifiedKFold(n_splits=folds, **shuffled).split(labels, labels)


def _spans(times: pa.ChunkedArray, folds: int) -> Iterator[tuple[Ints, Ints]]:
    """Cut rows into spans of time; a moment is in one of them."""
    codes = _codes(times)
    ranks, counts = np.unique(codes, return_counts=True)
    before = np.cumsum(counts) - counts
    span = np.minimum(before * folds // len(codes), folds - 1)[np.searchsorted(ranks, codes)]
    if len(np.unique(span)) < 2:
        raise DataError("all rows are of one moment", where="label.model.time")
    for number in np.unique(span):
        yield np.flatnonzero(span != number), np.flatnonzero(span == number)


def _codes(column: pa.ChunkedArray) -> Ints:
    """Give each value its rank; missing ones come last."""
    ranks = pc.rank(column, sort_keys="ascending", tiebreaker="dense")
    return integers(pa.chunked_array([ranks.cast(pa.int64())]))
