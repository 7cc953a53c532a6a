"""A table as a stream of record batches that can be read again and need not fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Rows"]


@dataclass(frozen=True)
class Rows:
    """Rows that can be read more than once, a batch at a time.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of every batch.
    open : callable
        Start reading: each call gives an iterator of record batches over all rows, in the source's
        order. Where the batches are cut has no meaning.
    count : int or None
        How many rows there are, where it is known without reading them.
    """

    schema: pa.Schema
    open: Callable[[], Iterator[pa.RecordBatch]]
    count: int | None = None

    @classmethod
    def of(cls, table: pa.Table) -> Rows:
        """Wrap a table that is in memory."""
        return cls(table.schema, lambda: iter(table.to_batches()), table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the rows, a batch at a time."""
        return self.open()

    def to_table(self) -> pa.Table:
        """Read all rows into memory."""
        return pa.Table.from_batches(self.open(), schema=self.schema)

    def mapped(self, change: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema) -> Rows:
        """Give the same rows with each batch changed as it is read.

        Parameters
        ----------
        change : callable
            Gives a batch of ``schema`` with as many rows as the one it gets.
        schema : pyarrow.Schema
            What it gives.
        """
        return Rows(schema, lambda: map(change, self.open()), self.count)
