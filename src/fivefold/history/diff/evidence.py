"""All that the content of two revisions shows, beyond their metrics and hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fivefold.history.conventions import EXPLORATION_FILE
from fivefold.history.diff.changes import DataChange, MetricChange
from fivefold.history.diff.explorations import compare_explorations
from fivefold.history.diff.findings import ExplorationChange, SliceReport, TableChange
from fivefold.history.diff.significance import judge_by_rows
from fivefold.history.diff.sliced_reports import read_report
from fivefold.history.diff.slices import compare_slices
from fivefold.history.diff.tables import compare_tables
from fivefold.history.dvc.contents import Contents
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader

__all__ = ["Evidence", "look_into"]


@dataclass(frozen=True)
class Evidence:
    """What rows and tables show.

    Attributes
    ----------
    metrics : tuple of MetricChange
        Judged as well as can be.
    slices : SliceReport or None
    tables : tuple of TableChange
    exploration : ExplorationChange or None
    notes : tuple of str
        What wasn't at hand, or couldn't be compared.
    """

    metrics: tuple[MetricChange, ...]
    slices: SliceReport | None = None
    tables: tuple[TableChange, ...] = ()
    exploration: ExplorationChange | None = None
    notes: tuple[str, ...] = ()


def look_into(
    reader: Reader,
    base: Revision,
    head: Revision,
    metrics: tuple[MetricChange, ...],
    data: Sequence[DataChange],
    *,
    primary: str | None = None,
    fetch: bool = False,
) -> Evidence:
    """Look into the predictions and tables of both revisions that are at hand.

    Parameters
    ----------
    reader : Reader
    base, head : Revision
    metrics : tuple of MetricChange
        As judged by the intervals in the metrics files.
    data : sequence of DataChange
    primary : str, optional
        The metric that is compared slice by slice.
    fetch : bool, default=False
        Download what isn't at hand.
    """
    contents = Contents(reader, fetch=fetch)
    rows = judge_by_rows(reader, contents, base, head, metrics)
    slices, unsliced = compare_slices(reader, contents, base, head, rows, primary)
    tables, unread = compare_tables(reader, contents, base, head, data)
    reports = [read_report(reader, side, EXPLORATION_FILE) for side in (base, head)]
    explored = compare_explorations(EXPLORATION_FILE, *reports)
    notes = (*rows.notes, *unsliced, *unread)
    return Evidence(rows.metrics, slices, tables, explored, notes)
