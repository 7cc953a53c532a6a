"""A progress bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Literal

import pyarrow as pa

__all__ = ["Say", "bar", "watched"]

# Takes how many have come, and how many there will be, where that is known.
Say = Callable[[int, int | None], None]


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
    with bar(label, "rows") as say:
        come = 0
        say(come, total)
        for batch in batches:
            yield batch
            come += batch.num_rows
            say(come, total)


@contextlib.contextmanager
def bar(label: str | None, unit: Literal["rows", "bytes"]) -> Iterator[Say]:
    """Show on standard error how many have come, if it is a terminal and there is a label."""
    if label is None or not sys.stderr.isatty():
        yield lambda _come, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if unit == "bytes" else TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda come, total: progress.update(task, completed=come, total=total)
