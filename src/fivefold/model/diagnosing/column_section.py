"""The page's part on the loss and the residual over each column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.report import Alert, Chart, Section, charts

__all__ = ["column_section", "has_residual"]

# Columns that are drawn bin by bin, those that tell most.
_DRAWN = 6
_MOST_BARS = 20
# A column that explains less than this is not worth a picture.
_LEAST_EXPLAINED = 0.001


def has_residual(report: Mapping[str, Any]) -> bool:
    """Say if there is a residual to draw."""
    return any(item["explained_residual"] is not None for item in report["features"])


def column_section(report: Mapping[str, Any], what: str) -> Section:
    """Draw which columns tell, and the bins of those that tell most; ``loss`` or ``residual``."""
    loss = report["loss"]
    if what == "loss":
        title, share = "Loss by column", "explained"
        note = (
            f"The mean {loss['title']} in each bin; the bins are those of the training part, each "
            "with its upper end."
        )
    else:
        title, share = "Observed minus predicted by column", "explained_residual"
        note = "Above zero too little was predicted, below too much."
    known = [item for item in report["features"] if item[share] is not None]
    known.sort(key=lambda item: -item[share])
    telling = [item for item in known if item[share] >= _LEAST_EXPLAINED]
    if not telling:
        text = "No column explains a thousandth of the variance."
        return Section(title, [Alert("good", text)], note=note)
    bars = charts.bar(
        [item["feature"] for item in telling[:_MOST_BARS]],
        [item[share] for item in telling[:_MOST_BARS]],
        x="share of the variance between its bins",
        y="column",
        kind="percent",
        title="Which columns tell",
        caption="What bins of chance would give is taken off.",
        width="full",
    )
    pictures = [_bins(item, what, loss) for item in telling[:_DRAWN]]
    return Section(title, [bars, *pictures], note=note)


def _bins(item: Mapping[str, Any], what: str, loss: Mapping[str, Any]) -> Chart:
    bins = item["bins"]
    of_loss = what == "loss"
    return charts.by_bin(
        [one["bin"] for one in bins],
        [one[what]["mean"] for one in bins],
        [one[what]["low"] for one in bins],
        [one[what]["high"] for one in bins],
        [one["rows"] for one in bins],
        reference=loss["mean"] if of_loss else 0.0,
        reference_name="all rows" if of_loss else "",
        x=loss["title"] if of_loss else "observed minus predicted",
        y=item["feature"],
        title=item["feature"],
    )
