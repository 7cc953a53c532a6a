"""Charts of a classifier: what its scores and its decisions are worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fivefold.report import format as form
from fivefold.report.charts.canvas import (
    altair,
    axis_format,
    chart,
    column,
    finished,
    floats,
    rows,
    thinned,
    tip,
)
from fivefold.report.page import Chart, Width
from fivefold.report.theme import ACCENT, INK, MUTED, SERIES

__all__ = ["calibration_curve", "confusion_matrix", "precision_recall_curve", "roc_curve"]

Curve = tuple[Iterable[object], Iterable[object]]
_UNIT = [0.0, 0.25, 0.5, 0.75, 1.0]
# Above so many classes the numbers no longer fit into the cells.
_MOST_LABELLED = 10


def roc_curve(
    curves: Curve | Mapping[str, Curve],
    *,
    auc: float | None = None,
    title: str = "ROC curve",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the true positive rate over the false positive rate.

    Parameters
    ----------
    curves : pair of iterables, shape (n_thresholds,) each, or a mapping of names to such
        False and true positive rates as `sklearn.metrics.roc_curve` gives them; one per class or
        model in a mapping.
    auc : float, optional
        The area under it, for the caption.
    """
    if auc is not None:
        caption = f"Area under the curve {form.number(auc)}; the dashed line is chance. {caption}"
    return _rates(
        curves,
        axes=("false positive rate", "true positive rate"),
        guide=([0.0, 1.0], [0.0, 1.0]),
        title=title,
        caption=caption.strip(),
        width=width,
    )


def precision_recall_curve(
    curves: Curve | Mapping[str, Curve],
    *,
    average_precision: float | None = None,
    prevalence: float | None = None,
    title: str = "Precision and recall",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw precision over recall.

    Parameters
    ----------
    curves : pair of iterables, shape (n_thresholds,) each, or a mapping of names to such
        Recall and precision, in this order, as points of the curve.
    average_precision : float, optional
        For the caption.
    prevalence : float, optional
        The share of positives in [0, 1]: the precision of chance, drawn as a dashed line.
    """
    said = []
    if average_precision is not None:
        said.append(f"Average precision {form.number(average_precision)}.")
    if prevalence is not None:
        said.append(f"The dashed line is chance: {form.percent(prevalence)} are positive.")
    return _rates(
        curves,
        axes=("recall", "precision"),
        guide=None if prevalence is None else ([0.0, 1.0], [prevalence, prevalence]),
        title=title,
        caption=" ".join([*said, caption]).strip(),
        width=width,
    )


def _unit(alt: Any, channel: Any, name: str, title: str) -> Any:
    return channel(
        f"{name}:Q",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(title=title, values=_UNIT, format=".2~f", grid=True),
    )


def _rates(
    curves: Curve | Mapping[str, Curve],
    *,
    axes: tuple[str, str],
    guide: tuple[Sequence[float], Sequence[float]] | None,
    title: str,
    caption: str,
    width: Width,
) -> Chart:
    """Draw curves within the unit square."""
    alt = altair()
    many = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    data: list[dict[str, Any]] = []
    for name, (first, second) in many.items():
        x, y = floats(first), floats(second)
        kept = thinned(x, y)
        data += rows(
            x=[x[i] for i in kept],
            y=[y[i] for i in kept],
            name=[name] * len(kept),
            at=range(len(kept)),
        )
    colour = alt.value(ACCENT)
    tips = [tip(alt, "x", axes[0], "number"), tip(alt, "y", axes[1], "number")]
    numbers = {"x": axes[0], "y": axes[1]}
    if len(many) > 1:
        scale = alt.Scale(
            domain=list(many), range=[SERIES[i % len(SERIES)] for i in range(len(many))]
        )
        colour = alt.Color("name:N", scale=scale)
        tips.insert(0, tip(alt, "name", "curve"))
        numbers = {"name": "curve", **numbers}
    shared = chart(alt).encode(
        x=_unit(alt, alt.X, "x", axes[0]), y=_unit(alt, alt.Y, "y", axes[1]), color=colour
    )
    # Invisible points carry the tooltips: a line has but one.
    layers = [
        shared.mark_line().encode(order="at:O"),
        shared.mark_point(opacity=0, size=90).encode(tooltip=tips),
    ]
    if guide is not None:
        chance = chart(alt, "guide")
        layers.insert(
            0,
            chance.mark_line(strokeDash=[5, 4], strokeWidth=1, stroke=MUTED).encode(
                x=_unit(alt, alt.X, "x", axes[0]), y=_unit(alt, alt.Y, "y", axes[1])
            ),
        )
    return finished(
        alt.layer(*layers),
        title=title,
        caption=caption,
        alt_text=f"{title}: {axes[1]} over {axes[0]}. {caption}".strip(),
        width=width,
        numbers=numbers,
        height=300,
        rows=data,
        guide=rows(x=guide[0], y=guide[1]) if guide else [],
    )


def calibration_curve(
    predicted: Iterable[object],
    observed: Iterable[object],
    *,
    low: Iterable[object] | None = None,
    high: Iterable[object] | None = None,
    counts: Iterable[object] | None = None,
    title: str = "Calibration",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw the observed rate over the predicted probability, per bin of predictions.

    Parameters
    ----------
    predicted, observed : iterable of float, shape (n_bins,)
        The mean prediction and the rate of positives in each bin, in [0, 1].
    low, high : iterable of float, shape (n_bins,), optional
        The interval of the observed rate.
    counts : iterable of int, shape (n_bins,), optional
        Rows in each bin, for the tooltip.
    """
    alt = altair()
    x, y = floats(predicted), floats(observed)
    banded = low is not None and high is not None
    data = rows(
        predicted=x,
        observed=y,
        low=floats(low) if low is not None and banded else y,
        high=floats(high) if high is not None and banded else y,
        count=[None] * len(x) if counts is None else column(counts),
    )
    known = [r[k] for r in data for k in ("predicted", "observed", "high") if r[k] is not None]
    # Rare events have all their bins near zero: the square ends where they do.
    end = min(1.0, math.ceil(max(known, default=1.0) * 10) / 10) or 1.0
    scale = alt.Scale(domain=[0, end], nice=False)

    def encoded(channel: Any, name: str, said: str) -> Any:
        axis = alt.Axis(title=said, format=axis_format("percent", end), tickCount=5, grid=True)
        return channel(f"{name}:Q", scale=scale, axis=axis)

    across, up = "predicted probability", "observed rate"
    tips = [tip(alt, "predicted", across, "percent"), tip(alt, "observed", up, "percent")]
    numbers = {"predicted": across, "observed": up}
    if banded:
        tips += [tip(alt, "low", "from", "percent"), tip(alt, "high", "to", "percent")]
        numbers |= {"low": "from", "high": "to"}
    if counts is not None:
        tips.append(tip(alt, "count", "rows", "integer"))
        numbers["count"] = "rows"
    guide = chart(alt, "guide")
    shared = chart(alt).encode(x=encoded(alt.X, "predicted", across))
    picture = alt.layer(
        shared.mark_line(opacity=0.55, strokeWidth=1.5).encode(y=encoded(alt.Y, "observed", up)),
        shared.mark_rule(stroke=ACCENT, strokeWidth=1.5).encode(
            y=encoded(alt.Y, "low", up), y2="high"
        ),
        shared.mark_point(size=50, opacity=1).encode(
            y=encoded(alt.Y, "observed", up), tooltip=tips
        ),
        guide.mark_line(strokeDash=[5, 4], strokeWidth=1, stroke=MUTED).encode(
            x=encoded(alt.X, "predicted", across), y=encoded(alt.Y, "observed", up)
        ),
    )
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if not math.isnan(a + b)]
    worst = max((abs(a - b) for a, b in pairs), default=0.0)
    return finished(
        picture,
        title=title,
        caption=caption or "On the dashed line, what is predicted is what happens.",
        alt_text=f"{title}: {up} over {across} in {len(x)} bins; they differ by up to "
        f"{form.number(worst * 100, 2)} percentage points.",
        width=width,
        numbers=numbers,
        height=300,
        rows=data,
        guide=rows(predicted=[0.0, end], observed=[0.0, end]),
    )


def confusion_matrix(
    labels: Iterable[object],
    matrix: Iterable[Iterable[object]],
    *,
    title: str = "Confusion matrix",
    caption: str = "",
    width: Width = "half",
) -> Chart:
    """Draw how often each class was taken for each.

    Parameters
    ----------
    labels : iterable, shape (n_classes,)
        The classes.
    matrix : iterable of iterables of int, shape (n_classes, n_classes)
        Counts; rows are the actual classes, columns the predicted ones.

    Raises
    ------
    ValueError
        If the matrix is not square or doesn't fit the labels.
    """
    alt = altair()
    classes = [form.value(label) for label in column(labels)]
    counts = [column(line) for line in column(matrix)]
    if len(counts) != len(classes) or any(len(line) != len(classes) for line in counts):
        raise ValueError(f"not a matrix of {len(classes)} by {len(classes)}")
    data = []
    for actual, line in zip(classes, counts, strict=True):
        total = sum(line)
        for predicted, count in zip(classes, line, strict=True):
            share = count / total if total else 0.0
            said = f"{form.integer(count)}  ({form.percent(share, 0)})"
            data.append(
                {
                    "actual": actual,
                    "predicted": predicted,
                    "count": count,
                    "share": share,
                    "said": said,
                }
            )
    top = alt.Axis(title="predicted", labelAngle=0, domain=False, labelColor=INK, orient="top")
    side = alt.Axis(title="actual", domain=False, labelColor=INK)
    shared = chart(alt).encode(
        x=alt.X("predicted:N", sort=None, axis=top, scale=alt.Scale(paddingInner=0.03)),
        y=alt.Y("actual:N", sort=None, axis=side, scale=alt.Scale(paddingInner=0.03)),
        tooltip=[
            tip(alt, "actual", "actual"),
            tip(alt, "predicted", "predicted"),
            tip(alt, "count", "rows", "integer"),
            tip(alt, "share", "of the actual class", "percent"),
        ],
    )
    # No darker than this, so that the ink of either scheme is read on every cell.
    shade = alt.Scale(domain=[0, 1], range=[0.05, 0.55])
    picture = shared.mark_rect(cornerRadius=3).encode(
        fillOpacity=alt.FillOpacity("share:Q", scale=shade, legend=None)
    )
    if len(classes) <= _MOST_LABELLED:
        picture += shared.mark_text(fontSize=13 if len(classes) <= 4 else 10).encode(
            text="said:N" if len(classes) <= 4 else "count:Q"
        )
    right = sum(counts[i][i] for i in range(len(classes)))
    total = sum(map(sum, counts))
    return finished(
        picture,
        title=title,
        caption=caption or "Shares are of the actual class, so each row adds up to 100%.",
        alt_text=f"{title} of {len(classes)} classes: {form.integer(right)} of "
        f"{form.plural(total, 'row')} on the diagonal.",
        width=width,
        numbers={
            "actual": "actual",
            "predicted": "predicted",
            "count": "rows",
            "share": "share of the actual class",
        },
        height=max(200, min(460, 90 * len(classes))),
        rows=data,
    )
