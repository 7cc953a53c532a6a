"""The pictures of drift: how far each column moved, how it is spread, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivefold.monitor.columns import ColumnDrift, bin_labels
from fivefold.report import charts
from fivefold.report import format as form
from fivefold.report.page import Chart
from fivefold.report.theme import ACCENT, BAD, FAINT, INK

if TYPE_CHECKING:
    from fivefold.monitor.comparison import Comparison
    from fivefold.monitor.monitor import MonitorConfig

__all__ = ["MOST_FEATURES", "distribution", "heat", "psi_bars"]

# A longer list is read in the table.
MOST_FEATURES = 30
_MOST_BINS = 12


def psi_bars(columns: tuple[ColumnDrift, ...], config: MonitorConfig) -> Chart:
    """Draw the population stability index of each column, with the marks."""
    data = [
        {"feature": column.name, "psi": column.psi, "status": column.status} for column in columns
    ]
    marks = [
        {"mark": config.psi_warn, "text": "warn"},
        {"mark": config.psi_alarm, "text": "alarm"},
    ]
    names = ["ok", "warn", "alarm"]
    spec = {
        "width": "container",
        "height": {"step": 22},
        "layer": [
            {
                "data": {"values": data},
                "mark": "bar",
                "encoding": {
                    "y": {"field": "feature", "type": "nominal", "sort": None, "title": None},
                    "x": {"field": "psi", "type": "quantitative", "title": "PSI"},
                    "fill": {
                        "field": "status",
                        "type": "nominal",
                        "scale": {
                            "domain": names,
                            "range": ["var(--series-1)", "var(--warn)", BAD],
                        },
                    },
                    "tooltip": [
                        {"field": "feature"},
                        {"field": "psi", "type": "quantitative", "format": ".3f"},
                    ],
                },
            },
            {
                "data": {"values": marks},
                "mark": {"type": "rule", "strokeDash": [5, 4], "stroke": INK},
                "encoding": {"x": {"field": "mark", "type": "quantitative"}},
            },
        ],
    }
    return Chart(
        spec,
        title="Drift per feature",
        caption=f"Population stability index; dashed: warn at {form.number(config.psi_warn)}, "
        f"alarm at {form.number(config.psi_alarm)}.",
        numbers={"feature": "feature", "psi": "PSI", "status": "status"},
    )


def distribution(column: ColumnDrift, reference: str, width: str) -> Chart:
    """Draw how a column is spread in the reference and in production."""
    labels = bin_labels(column.bins)
    first, second = column.bins.reference.tolist(), column.counts.tolist()
    kept = [index for index in range(len(labels)) if first[index] or second[index]]
    if column.kind == "string" and len(kept) > _MOST_BINS:
        # What moved most is what a reader looks for.
        total = sum(first) or 1, sum(second) or 1

        def moved(index: int) -> float:
            return float(abs(first[index] / total[0] - second[index] / total[1]))

        chosen = sorted(kept, key=lambda index: (-moved(index), index))[: _MOST_BINS - 1]
        rest = [index for index in kept if index not in chosen]
        chosen.sort()
        labels = [*(labels[index] for index in chosen), f"{len(rest)} more"]
        first = [*(first[i] for i in chosen), sum(first[i] for i in rest)]
        second = [*(second[i] for i in chosen), sum(second[i] for i in rest)]
    else:
        labels = [labels[index] for index in kept]
        first, second = [first[index] for index in kept], [second[index] for index in kept]
    return charts.distributions(
        labels,
        first,
        second,
        names=(reference, "production"),
        x=column.name,
        title=column.name,
        caption=f"PSI {form.number(column.psi)}.",
        width="half" if width == "half" else "third",
    )


def heat(found: Comparison) -> Chart:
    """Draw the index of each feature in each period."""
    names = [column.name for column in found.columns[:MOST_FEATURES]]
    data = [
        {"feature": name, "period": period.start.isoformat(), "psi": period.psi[name]}
        for name in names
        for period in found.periods
        if period.psi
    ]
    spec = {
        "width": "container",
        "height": {"step": 20},
        "data": {"values": data},
        "mark": "rect",
        "encoding": {
            "x": {"field": "period", "type": "ordinal", "title": found.period},
            "y": {"field": "feature", "type": "nominal", "sort": names, "title": None},
            "fill": {
                "field": "psi",
                "type": "quantitative",
                "title": "PSI",
                "scale": {"range": [FAINT, ACCENT], "domainMin": 0},
            },
            "tooltip": [
                {"field": "feature"},
                {"field": "period"},
                {"field": "psi", "type": "quantitative", "format": ".3f"},
            ],
        },
    }
    return Chart(
        spec,
        title=f"Drift per feature and {found.period}",
        caption="Population stability index against the training part: the darker, the further.",
        numbers={"feature": "feature", "period": found.period, "psi": "PSI"},
    )
