"""Charts of what a run's reports and plots hold; what isn't of the known shape is left out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fivefold.history.dvc.contents import Contents
from fivefold.history.dvc.plots import Drawing, rows_of
from fivefold.history.git.repository import Revision
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.measures import is_number
from fivefold.history.reader import Reader
from fivefold.report import Block, Facts, Table, Text, charts, format  # noqa: A004

__all__ = ["evaluation", "exploration", "plots", "read_report"]

_MOST_PLOTS = 8
_MOST_ROWS = 2000
_TABLES = (".csv", ".tsv", ".json", ".yaml", ".yml")
_X_NAMES = ("fpr", "recall", "prob_pred", "step", "epoch", "iteration", "timestamp", "index")


def read_report(reader: Reader, snapshot: Snapshot, path: str) -> Mapping[str, Any]:
    """Read a committed report; empty where there is none, or it can't be read."""
    blob = snapshot.blob(path)
    found = reader.file(snapshot, path, blob) if blob is not None else None
    return found.raw if found and not found.error and isinstance(found.raw, Mapping) else {}


def _tolerant(draw: Callable[[], Block]) -> list[Block]:
    """Give a block, or nothing where the report isn't of the shape that it needs."""
    try:
        return [draw()]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return []


def exploration(report: Mapping[str, Any]) -> list[Block]:
    """Draw what ``reports/explore.json`` tells of the table and the target."""
    if not report:
        return []
    columns = report.get("columns") or {}
    found: list[Block] = _tolerant(
        lambda: Facts(
            [
                ("rows", report["rows"]),
                ("columns", report["columns_total"]),
                ("features", sum(bool(c.get("feature")) for c in columns.values())),
                ("target", report["target"]["column"]),
            ]
        )
    )
    over = report.get("over_time") or {}
    found += _tolerant(
        lambda: charts.target_over_time(
            over["periods"],
            over["target"],
            kind="percent" if max(map(abs, over["target"])) <= 1 else "number",
        )
    )
    found += _tolerant(
        lambda: charts.bar(
            *zip(
                *sorted(
                    (
                        (name, abs(c["association"]))
                        for name, c in columns.items()
                        if c.get("feature") and c.get("association") is not None
                    ),
                    key=lambda item: -item[1],
                )[:12],
                strict=True,
            ),
            x="association with the target",
            kind="number",
            title="Strongest features",
        )
    )
    found += _tolerant(
        lambda: charts.missing_values(
            list(columns), [c["missing_share"] for c in columns.values()], limit=12
        )
    )
    return found


def evaluation(report: Mapping[str, Any], metrics: Mapping[str, Any], primary: str) -> list[Block]:
    """Draw the curves, the confusion and the groups of ``reports/evaluate.json``."""
    curves = report.get("curves") or []
    found: list[Block] = []

    def rates(kind: str, x: str, y: str) -> Any:
        pairs = {str(c["class"]): (c[kind][x], c[kind][y]) for c in curves}
        return next(iter(pairs.values())) if len(pairs) == 1 else pairs

    if curves:
        found += _tolerant(
            lambda: charts.roc_curve(
                rates("roc", "false_positive_rate", "true_positive_rate"),
                auc=metrics.get("roc_auc"),
            )
        )
        found += _tolerant(
            lambda: charts.precision_recall_curve(
                rates("precision_recall", "recall", "precision"),
                average_precision=metrics.get("average_precision"),
                prevalence=curves[0]["prevalence"] if len(curves) == 1 else None,
            )
        )
    bins = report.get("calibration") or []
    if bins:
        found += _tolerant(
            lambda: charts.calibration_curve(
                *([b[key] for b in bins] for key in ("predicted", "observed")),
                low=[b["low"] for b in bins],
                high=[b["high"] for b in bins],
                counts=[b["rows"] for b in bins],
            )
        )
    confusion = report.get("confusion") or {}
    if confusion:
        found += _tolerant(
            lambda: charts.confusion_matrix(confusion["classes"], confusion["matrix"])
        )
    for column, judged in (report.get("groups") or {}).items():
        found += _tolerant(functools.partial(_groups, str(column), judged, metrics, primary))
    return found


def _groups(column: str, judged: Any, metrics: Mapping[str, Any], primary: str) -> Block:
    rows = [g for g in judged["groups"] if not g.get("small") and primary in g.get("interval", {})]
    if not rows:
        return Text(f"Every group of {format.verbatim(column)} is too small to be judged.")
    return charts.intervals(
        [g["group"] for g in rows],
        [g[primary] for g in rows],
        [g["interval"][primary]["low"] for g in rows],
        [g["interval"][primary]["high"] for g in rows],
        overall=metrics.get(primary),
        counts=[g["rows"] for g in rows],
        x=primary,
        y=column,
        title=f"{primary} by {column}",
    )


def plots(reader: Reader, revision: Revision) -> list[Block]:
    """Draw the plots that ``dvc.yaml`` declares, of the files that are at hand."""
    found: list[Block] = []
    snapshot = reader.repository.snapshot(revision)
    contents = Contents(reader)
    for drawing in reader.declared(snapshot).drawings[:_MOST_PLOTS]:
        for path, fields in drawing.files:
            inside = [p for p in snapshot.files(path) if p.endswith(_TABLES)] or [path]
            for file in inside[:_MOST_PLOTS]:
                source = contents.find(revision, file).source if file.endswith(_TABLES) else None
                data = source.read_bytes() if isinstance(source, Path) else source
                if data is not None:
                    x = drawing.x.get(path, "")
                    found += _tolerant(functools.partial(_plot, drawing, file, data, fields, x))
    return found


def _plot(drawing: Drawing, path: str, data: bytes, fields: tuple[str, ...], x: str) -> Block:
    rows = rows_of(data, path)[:_MOST_ROWS]
    numeric = {
        name: [row.get(name) for row in rows]
        for name in rows[0]
        if any(is_number(row.get(name)) for row in rows)
    }
    x = x or next((name for name in _X_NAMES if name in numeric), "")
    drawn = [name for name in fields if name in numeric and name != x]
    drawn = drawn or [name for name in numeric if name not in (x, "threshold")][-1:]
    if not drawn:
        names = list(rows[0])[:6]
        return Table(names, [[row.get(n, "") for n in names] for row in rows[:20]], path)
    points = [row for row in rows if all(is_number(row.get(name)) for name in drawn)]
    where = [row.get(x) for row in points] if x else list(range(len(points)))
    lines = {name: [row[name] for row in points] for name in drawn}
    return charts.line(
        where,
        lines if len(drawn) > 1 else lines[drawn[0]],
        x_title=drawing.x_label or x or "row",
        y_title=drawing.y_label or (drawn[0] if len(drawn) == 1 else ""),
        title=drawing.title or drawing.name,
        caption=path,
        width="half",
    )
