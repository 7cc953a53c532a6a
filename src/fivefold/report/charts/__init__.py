"""The usual charts of a model's life, built from small aggregates.

Every builder takes plain sequences (lists, NumPy arrays, Arrow or Narwhals columns), gives a
`fivefold.report.Chart` with a text that stands for the picture, and takes the keywords ``title``,
``caption`` and ``width`` ("full", "half" or "third"). Curves are thinned to a few hundred points
and long lists are cut, so a page stays small however many rows there were.

Those that a page has many of are written in Vega-Lite's own words; for the others Altair is
imported when the first is built: 0.3 s that a page without one doesn't pay.
"""

from fivefold.report.charts.comparisons import changes, overlay, paired_bars
from fivefold.report.charts.cutoffs import over_cuts
from fivefold.report.charts.dependences import dependence, plane
from fivefold.report.charts.distributions import bar, distributions, histogram, missing_values
from fivefold.report.charts.errors import by_bin, estimates
from fivefold.report.charts.explanations import contributions, importances, matrix
from fivefold.report.charts.limits import against_limits
from fivefold.report.charts.profiles import against
from fivefold.report.charts.relations import density, gaps, heatmap
from fivefold.report.charts.scores import intervals, residuals, scores_per_fold
from fivefold.report.charts.thresholds import (
    calibration_curve,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)
from fivefold.report.charts.time import line, target_over_time
from fivefold.report.charts.tuning import front, parallel, search_history, slices

__all__ = [
    "against",
    "against_limits",
    "bar",
    "by_bin",
    "calibration_curve",
    "changes",
    "confusion_matrix",
    "contributions",
    "density",
    "dependence",
    "distributions",
    "estimates",
    "front",
    "gaps",
    "heatmap",
    "histogram",
    "importances",
    "intervals",
    "line",
    "matrix",
    "missing_values",
    "over_cuts",
    "overlay",
    "paired_bars",
    "parallel",
    "plane",
    "precision_recall_curve",
    "residuals",
    "roc_curve",
    "scores_per_fold",
    "search_history",
    "slices",
    "target_over_time",
]
