"""A progress bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pyarrow as pa

__all__ = ["watched"]


def watched(
    batches: Iterator[pa.RecordBatch], label: str, total: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Pass batches on, and show on standard error how many rows have come, if it is a terminal.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        The rows.
    label : str
        What is being done, to what.
    total : int, optional
        How many rows there will be.
    """
    if not sys.stderr.isatty():
        yield from batches
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        for batch in batches:
            yield batch
            progress.advance(task, batch.num_rows)
