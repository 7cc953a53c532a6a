"""The change per slice: who got worse while the average got better.

The predictions of both revisions tell best, row by row. Where they aren't at hand, the groups in
both evaluation reports tell, with intervals that take the two as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from fivefold.corrections import holm
from fivefold.history.conventions import EVALUATION_FILE
from fivefold.history.diff.changes import MetricChange
from fivefold.history.diff.findings import SliceChange, SliceReport
from fivefold.history.diff.significance import RESAMPLES, JudgedMetrics, catalogue_name, judged
from fivefold.history.diff.sliced_reports import slices_by_reports
from fivefold.history.dvc.contents import Contents
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader
from fivefold.metrics import METRICS, Goal

__all__ = ["compare_slices", "corrected", "slice_clause"]

_LEVEL = 0.05


def compare_slices(
    reader: Reader,
    contents: Contents,
    base: Revision,
    head: Revision,
    evidence: JudgedMetrics,
    primary: str | None,
) -> tuple[SliceReport | None, tuple[str, ...]]:
    """Compare slice by slice.

    Parameters
    ----------
    reader : Reader
    contents : Contents
    base, head : Revision
    evidence : JudgedMetrics
        The metrics, and the rows that judged them.
    primary : str or None
        The metric that decides; without one, or where it can't be computed, the first of the
        catalogue that changed.

    Returns
    -------
    SliceReport or None
        None where no column makes slices, or nothing about them is at hand.
    tuple of str
        What was in the way.
    """
    change = _metric(evidence.metrics, primary)
    name = catalogue_name(change.name) if change else None
    if change is None or name is None:
        return None, ()
    found: list[SliceChange] | None = None
    left_out, notes = 0, []
    # Where the rows don't give the metric, they don't give it by slice either.
    if evidence.paired is not None and change.rows is not None:
        from fivefold.history.diff.sliced_rows import slice_columns, slices_by_rows

        columns, problems = slice_columns(reader, contents, head, evidence.paired)
        notes.extend(problems)
        if columns:
            found, left_out = slices_by_rows(name, columns, evidence.paired)
    source: Literal["rows", "reports"] = "rows" if found is not None else "reports"
    if found is None:
        found = slices_by_reports(reader, base, head, name)
    if not found:
        return None, tuple(notes)
    report = SliceReport(
        change.name,
        source,
        f"paired bootstrap, {RESAMPLES:,} resamples"
        if source == "rows"
        else f"the intervals in both {EVALUATION_FILE}, runs taken as independent",
        "Holm",
        _ordered(corrected(found, METRICS[name].goal), METRICS[name].goal),
        left_out,
    )
    return report, tuple(notes)


def _metric(metrics: Sequence[MetricChange], primary: str | None) -> MetricChange | None:
    """Choose what is compared: the metric that decides, or the first that the rows judged."""
    known = [c for c in metrics if c.change is not None and catalogue_name(c.name)]
    chosen = [change for change in known if change.name == primary]
    by_rows = [change for change in known if change.rows is not None]
    moved = [change for change in known if change.change]
    return next(iter((*chosen, *by_rows, *moved)), None)


def corrected(slices: Iterable[SliceChange], goal: Goal) -> list[SliceChange]:
    """Judge slices by their p-values, corrected for how many were tested."""
    slices = list(slices)
    tested = [place for place, item in enumerate(slices) if item.p_value is not None]
    adjusted = holm([slices[place].p_value or 0.0 for place in tested])
    for place, value in zip(tested, adjusted, strict=True):
        item = slices[place]
        word = "same" if item.change == 0 else judged(item.change, goal, noise=value >= _LEVEL)
        slices[place] = replace(item, adjusted=value, judgement=word)  # type: ignore[arg-type]
    return slices


def _ordered(slices: Iterable[SliceChange], goal: Goal) -> tuple[SliceChange, ...]:
    """Put the worst first: beyond noise, then by what was lost; what can't be judged last."""
    places = {"worse": 0, "too small": 2}
    sign = 1.0 if goal == "maximize" else -1.0

    def order(item: SliceChange) -> Any:
        return places.get(item.judgement, 1), sign * item.change, item.column, item.value

    return tuple(sorted(slices, key=order))


def slice_clause(report: SliceReport | None, metrics: Sequence[MetricChange]) -> str:
    """Say for the verdict who got worse though the average didn't; empty where nobody did."""
    if report is None or not report.worse:
        return ""
    average = next((c.judgement for c in metrics if c.name == report.metric), None)
    if average == "worse":
        return ""
    shown = ", ".join(f"{item.name} ({item.change:+.3g})" for item in report.worse[:3])
    more = f" and {len(report.worse) - 3} more" if len(report.worse) > 3 else ""
    return f"but {report.metric} got worse for {shown}{more}"
