"""The curves of a Fivefold evaluation, of both revisions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeGuard

from fivefold.history.conventions import EVALUATION_FILE
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.overlays import Overlay, Series
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader

__all__ = ["read_curves"]

_MOST_CLASSES = 3
_CALIBRATION = "Calibration"

_Side = Literal["base", "head"]
_Found = dict[str, tuple[Overlay, list[Series]]]


def read_curves(reader: Reader, diff: Diff) -> tuple[Overlay, ...]:
    """Read ROC, precision-recall and calibration curves of the base and the head.

    Returns
    -------
    tuple of Overlay
        Empty where neither revision has an evaluation; with one side's curve where only one has.
    """
    found: _Found = {}
    sides: tuple[tuple[_Side, Revision], ...] = (("base", diff.base), ("head", diff.head))
    for side, revision in sides:
        for overlay, series in _curves(_evaluation(reader, revision), side):
            found.setdefault(overlay.title, (overlay, []))[1].append(series)
    return tuple(
        Overlay(
            overlay.title,
            overlay.x,
            overlay.y,
            tuple(series),
            overlay.unit,
            _end(series) if overlay.title == _CALIBRATION else 1.0,
            overlay.guide,
            EVALUATION_FILE,
        )
        for overlay, series in found.values()
    )


def _end(series: list[Series]) -> float:
    """Give the end of the square that holds all points: rare events lie near zero."""
    most = max(value for one in series for value in (*one.x, *one.y, *one.high))
    return min(1.0, math.ceil(most * 10) / 10) or 1.0


def _evaluation(reader: Reader, revision: Revision) -> Mapping[str, Any]:
    snapshot = reader.repository.snapshot(revision)
    blob = snapshot.blob(EVALUATION_FILE)
    raw = reader.file(snapshot, EVALUATION_FILE, blob).raw if blob is not None else {}
    return raw if isinstance(raw, Mapping) else {}


def _curves(raw: Mapping[str, Any], side: _Side) -> Iterator[tuple[Overlay, Series]]:
    listed = raw.get("curves")
    curves = [c for c in listed if isinstance(c, Mapping)] if isinstance(listed, list) else []
    for curve in curves[:_MOST_CLASSES]:
        of = f" of class {curve.get('class')}" if len(curves) > 1 else ""
        roc = _series(curve.get("roc"), "false_positive_rate", "true_positive_rate", side)
        if roc:
            title = f"ROC curve{of}"
            axes = ("false positive rate", "true positive rate")
            yield Overlay(title, *axes, (), True, guide=((0, 0), (1, 1))), roc
        recall = _series(curve.get("precision_recall"), "recall", "precision", side)
        if recall:
            rate = curve.get("prevalence")
            guide = ((0.0, float(rate)), (1.0, float(rate))) if _is_rate(rate) else ()
            title = f"Precision and recall{of}"
            yield Overlay(title, "recall", "precision", (), True, guide=guide), recall
    bins = raw.get("calibration")
    if isinstance(bins, list) and all(isinstance(row, Mapping) for row in bins):
        columns = {key: [row.get(key) for row in bins] for key in ("predicted", "observed")}
        series = _series(columns, "predicted", "observed", side)
        if series:
            ends = [tuple(row.get(key) for row in bins) for key in ("low", "high")]
            banded = all(_is_rate(value) for end in ends for value in end)
            axes = ("predicted probability", "observed rate")
            yield (
                Overlay(_CALIBRATION, *axes, (), True, guide=((0, 0), (1, 1))),
                Series(side, series.x, series.y, "", *(ends if banded else ())),
            )


def _series(section: Any, x: str, y: str, side: _Side) -> Series | None:
    if not isinstance(section, Mapping):
        return None
    columns = [section.get(x), section.get(y)]
    if not all(isinstance(column, list) and column for column in columns):
        return None
    pairs = [
        (float(a), float(b)) for a, b in zip(*columns, strict=False) if _is_rate(a) and _is_rate(b)
    ]
    if len(pairs) < len(columns[0] or ()):
        return None
    return Series(side, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def _is_rate(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and math.isfinite(value) and 0 <= value <= 1
