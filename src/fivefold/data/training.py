"""Which rows are for training, known before the split, so that statistics are learnt from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.split import SplitConfig
from fivefold.data.values import single
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.table import require_columns
from fivefold.table.engine import batches, engine_of, names_of
from fivefold.table.settle import spill

__all__ = ["TRAINING", "Training"]

TRAINING = "__training"

_WHY = {
    "stratified": "which rows method: stratified trains on is known only when the table is clean",
    "grouped": "which rows method: grouped trains on is known only when the table is clean",
}
_WAYS = (
    "leave it to the model's preprocessing, which is fitted on the training part (its imputer "
    "fills what is missing), or split with method: time, random or column"
)


class Training:
    """Marks the rows that the split will train on.

    Parameters
    ----------
    split : mapping
        The section ``split`` of the config, as the stage split gets it.
    key : sequence of str
        The columns that together name a row.
    """

    def __init__(self, split: Mapping[str, Any], key: Sequence[str]) -> None:
        self.split = dict(split)
        self.key = list(key)
        self._settled: dict[str, Any] | None = None

    def config(self, where: str) -> SplitConfig:
        """Give the split's config.

        Raises
        ------
        ConfigError
            No split is declared, or its method needs the clean table to say what it trains on.
        """
        refused = "the step learns from other rows, and must not learn from those of the test"
        if not self.split:
            raise ConfigError(
                refused, where=where, got="no split that says which rows are for training",
                hint="declare split: in conf/config.yaml and pass it on as "
                f'clean: {{split: "${{split}}"}}; or {_WAYS}',
            )  # fmt: skip
        config = SplitConfig.of({"key": self.key, **self.split})
        if config.method in _WHY:
            raise ConfigError(refused, where=where, got=_WHY[config.method], hint=_WAYS)
        return config

    def marked(self, frame: nw.LazyFrame[Any], where: str) -> nw.LazyFrame[Any]:
        """Give the table with the column ``TRAINING``, true where a row is for training.

        Raises
        ------
        FivefoldError
            It can't be told, or no row is.
        """
        if TRAINING in names_of(frame):
            return frame
        config = self.config(where)
        try:
            marked = _marked(frame, config)
        except FivefoldError as error:
            raise type(error)(
                error.what, where=f"{where}, {error.where}", got=error.got, allowed=error.allowed,
                hint=error.hint,
            ) from error  # fmt: skip
        rows = single(marked.select(nw.col(TRAINING).cast(nw.Int64).sum().alias("rows")))["rows"]
        if not rows:
            raise DataError(
                "no row is for training, so there is nothing to learn from",
                where=f"{where}, split.method: {config.method}",
                hint="look at the boundaries under split: in conf/config.yaml",
            )
        self._settled = self._relied_on(frame, config)
        return marked

    def require_kept(self, frame: nw.LazyFrame[Any], changed: Mapping[str, int]) -> str | None:
        """Say which column that decides on the parts has changed since something was learnt."""
        if self._settled is None:
            return None
        schema = frame.collect_schema()
        for name, dtype in self._settled.items():
            if schema.get(name) != dtype or changed.get(name):
                return name
        return None

    def _relied_on(self, frame: nw.LazyFrame[Any], config: SplitConfig) -> dict[str, Any]:
        schema = frame.collect_schema()
        names = {"time": [config.time], "column": [config.by]}.get(config.method, self.key)
        return {str(name): schema[str(name)] for name in names}


def _marked(frame: nw.LazyFrame[Any], config: SplitConfig) -> nw.LazyFrame[Any]:
    # Imported here: NumPy, which composing the config does not need.
    from fivefold.data import parts

    if config.method == "random":
        return _drawn(frame, config)
    column = str(config.time if config.method == "time" else config.by)
    name = "time" if config.method == "time" else "by"
    require_columns(frame, [column], f"split.{name}", "at this step the table")
    part = parts.declared(frame.collect_schema(), config)
    # A row without a time is an error of the split's; until then it teaches nothing.
    known = ~nw.col(column).is_null() & (part == 0)
    return frame.with_columns(known.alias(TRAINING))


def _drawn(frame: nw.LazyFrame[Any], config: SplitConfig) -> nw.LazyFrame[Any]:
    """Draw each row's part by the hash of its key, a batch of rows at a time."""
    from fivefold.data import parts
    from fivefold.data.rowhash import row_hashes, uniform
    from fivefold.table.arrays import truth_array

    schema, rows = batches(frame)

    def flagged() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            table = pa.Table.from_batches([batch])
            _require_keys(table, config.key)
            hashes = row_hashes(table.select(config.key), config.key, config.seed)
            codes = parts.by_hash(uniform(hashes), parts.Ranges.of(config))
            yield batch.append_column(TRAINING, truth_array(codes == 0))

    return spill(schema.append(pa.field(TRAINING, pa.bool_())), flagged(), engine_of(frame))


def _require_keys(table: pa.Table, key: Sequence[str]) -> None:
    for name in key:
        if table[name].null_count:
            raise DataError(
                f"rows have no value in the key column {name!r}, so their part can't be drawn",
                where="split.key",
                hint="drop those rows in a step before this one",
            )
