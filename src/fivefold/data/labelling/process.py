"""The stage, when something is declared: labels, corrections, suspects, the queue, the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.data.labelling.assign import assigned
from fivefold.data.labelling.corrections import corrected
from fivefold.data.labelling.label_studio import interface
from fivefold.data.labelling.page import page_of
from fivefold.data.labelling.vocabulary import word
from fivefold.data.values import dtype_name, rounded, single
from fivefold.errors import DataError
from fivefold.table import Table, to_arrow

if TYPE_CHECKING:
    from fivefold.data.label import LabelConfig, Labelled

__all__ = ["processed"]

_LISTED = 50


def processed(
    table: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]], config: LabelConfig
) -> Labelled:
    """Do what is declared; see :func:`fivefold.data.label.label`."""
    # Imported here: the stage's module imports this one.
    from fivefold.data.label import Labelled

    given = assigned(table, tables, config)
    frame = given.frame
    report: dict[str, Any] = {"target": config.target, "origin": config.origin, **given.report}
    if config.corrections is not None:
        frame, report["corrections"] = corrected(frame, tables, config)
    report.update(_summary(frame, config))
    tasks: list[dict[str, Any]] = []
    queue: list[dict[str, Any]] = []
    if config.suspects is not None:
        from fivefold.data.labelling.suspects import suspected

        found = suspected(frame, config, given.made_of)
        report["suspects"], tasks = found.report, found.tasks
    if config.queue is not None:
        from fivefold.data.labelling.queue import queued

        found = queued(frame, config, given.made_of)
        report["queue"], queue = found.report, found.tasks
    if config.judges and "classes" in report:
        report["label_studio_interface"] = interface(
            config.labels or list(report["classes"]),
            config.label_studio.from_name or config.target,
            config.label_studio.to_name,
        )
    return Labelled(Table(frame, tuple(config.key)), report, page_of(report), tasks, queue)


def _summary(frame: nw.LazyFrame[Any], config: LabelConfig) -> dict[str, Any]:
    """Count the labels of each class, or give the mean of numbers; and those missing."""
    target = nw.col(config.target)
    kind = dtype_name(frame.collect_schema()[config.target])
    counts = single(frame.select(nw.len().alias("rows"), target.null_count().alias("missing")))
    rows, missing = int(counts["rows"]), int(counts["missing"])
    if rows and missing == rows:
        raise DataError(
            "no row has a label",
            where=f"label.{config.origin or 'target'}",
            got=f"{rows:,} rows",
            hint="look at what the labels are made of; ties and low confidence are left missing",
        )
    summary: dict[str, Any] = {"rows": rows, "labelled": rows - missing, "missing": missing}
    if kind == "number" or config.level == "interval":
        known = single(
            frame.select(
                target.min().alias("min"), target.mean().alias("mean"), target.max().alias("max")
            )
        )
        return {**summary, "numbers": {name: rounded(value) for name, value in known.items()}}
    classes = to_arrow(
        frame.filter(~target.is_null()).group_by(config.target).agg(nw.len().alias("rows"))
    )
    pairs = zip(classes[config.target].to_pylist(), classes["rows"].to_pylist(), strict=True)
    order = {word(value): place for place, value in enumerate(config.labels or ())}
    ordered = sorted(pairs, key=lambda pair: (order.get(word(pair[0]), -1), pair[0]))
    return {**summary, "classes": {word(value): int(count) for value, count in ordered}}
