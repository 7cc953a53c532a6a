"""The look of charts: one quiet theme whose colours are the page's own CSS variables.

Vega writes a colour into the SVG as it is given, so ``var(--ink)`` follows the reader's light or
dark scheme, and paper, with no chart drawn anew.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ACCENT", "BAD", "CONFIG", "FAINT", "GOOD", "INK", "MUTED", "OTHER", "PAPER", "SERIES"]

INK: Final = "var(--ink)"
MUTED: Final = "var(--muted)"
FAINT: Final = "var(--rule)"
PAPER: Final = "var(--paper)"
GOOD: Final = "var(--good)"
BAD: Final = "var(--bad)"
SERIES: Final = tuple(f"var(--series-{index})" for index in range(1, 7))
ACCENT: Final = SERIES[0]
OTHER: Final = SERIES[1]

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CONFIG: Final[dict[str, Any]] = {
    "font": _FONT,
    "background": None,
    "padding": {"left": 2, "right": 14, "top": 6, "bottom": 2},
    # The figure's own label speaks for the picture; a label per mark would drown it.
    "aria": False,
    "view": {"stroke": None, "continuousHeight": 240, "discreteHeight": {"step": 22}},
    "axis": {
        "domain": False,
        "grid": True,
        "gridColor": FAINT,
        "gridWidth": 1,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelLimit": 170,
        "labelPadding": 6,
        "tickColor": FAINT,
        "ticks": False,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "axisX": {
        "domain": True,
        "domainColor": MUTED,
        "grid": False,
        "labelFlush": False,
        "labelOverlap": True,
    },
    "axisBand": {"grid": False},
    "legend": {
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 200,
        "orient": "top",
        "symbolOpacity": 1,
        "symbolSize": 90,
        "symbolStrokeWidth": 0,
        "symbolType": "circle",
        "title": None,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "title": {"anchor": "start", "color": INK, "fontSize": 14, "fontWeight": 600},
    "header": {"labelColor": INK, "titleColor": MUTED},
    "range": {"category": list(SERIES)},
    # As for guides, so for marks: each chart has a label, and a table or a note beside it.
    "mark": {"color": ACCENT, "aria": False},
    "area": {"opacity": 0.2},
    "line": {"strokeWidth": 2, "strokeJoin": "round"},
    "point": {"filled": True, "size": 45},
    "rule": {"color": MUTED},
    "text": {"fill": INK, "fontSize": 12},
}
