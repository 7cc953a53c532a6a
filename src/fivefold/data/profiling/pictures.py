"""A column's picture, and the figures below it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from fivefold.objective import Objective
from fivefold.report import (
    Chart,
    charts,
    format,  # noqa: A004 - read as format.number
)
from fivefold.report.page import Width

__all__ = ["FEWEST_ROWS", "column_chart", "cut", "drift_chart", "target_words"]

FEWEST_ROWS = 20
"""The target is drawn in bins of at least so many rows."""

# Whole numbers of no more values are drawn as categories.
_FEW = 12


def cut(text: object, most: int = 60) -> str:
    """Shorten a name or value from the data to what a heading has room for."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def ends_of(edges: Sequence[Any]) -> list[Any]:
    """Read a histogram's edges, those of times as dates."""
    if not edges or not isinstance(edges[0], str):
        return list(edges)
    moments = [datetime.datetime.fromisoformat(edge) for edge in edges]
    if all(moment.time() == datetime.time() for moment in moments):
        return [moment.date() for moment in moments]
    return moments


def bins_of(spread: Mapping[str, Any]) -> list[Any]:
    """Give a histogram's edges, or names: those of categories, or of a few whole numbers."""
    if "edges" not in spread:
        return [cut(value, 40) for value in spread["values"]]
    edges = ends_of(spread["edges"])
    few = len(edges) <= _FEW + 1 and all(isinstance(edge, int) for edge in edges)
    if few and all(high - low == 1 for low, high in pairwise(edges)):
        return [str(edge) for edge in edges[:-1]]
    return edges


def target_words(target: Mapping[str, Any], objective: Objective) -> str:
    """Say what a line over bins shows; empty where there is none."""
    name = cut(target["column"], 40)
    if objective.task == "regression":
        return f"the mean of {format.verbatim(name)}"
    if len(target["classes"]) == 2:
        label = cut(list(target["classes"])[-1], 40)
        return f"the share of {format.verbatim(f'{name} = {label}')}"
    return ""


def column_chart(
    name: str, known: Mapping[str, Any], summary: Mapping[str, Any], objective: Objective
) -> Chart:
    """Draw a column's spread with the target in it."""
    spread = known.get("histogram") or known["top"]
    target = summary["target"]
    bins = bins_of(spread)
    given = spread.get("classes") or _seen(spread)
    overall = None
    if objective.task == "regression":
        overall = target.get("mean")
    elif len(target["classes"]) == 2:
        counts = list(target["classes"].values())
        overall = counts[1] / sum(counts)
    label = _label(target, objective)
    rest = spread.get("other_rows")
    return _with_facts(
        charts.against(
            bins,
            spread["rows"],
            given,
            overall=overall if given is not None and not isinstance(given, Mapping) else None,
            kind="number" if objective.task == "regression" else "percent",
            x=cut(name),
            y=label,
            title=cut(name, 80),
            caption=f"{format.plural(rest, 'row')} of other values not shown." if rest else "",
        ),
        facts_of(known),
    )


def _seen(spread: Mapping[str, Any]) -> list[float | None] | None:
    """Give the target in the bins that hold enough rows to tell it from chance."""
    if spread["target"] is None:
        return None
    return [
        value if rows >= FEWEST_ROWS else None
        for value, rows in zip(spread["target"], spread["rows"], strict=True)
    ]


def _label(target: Mapping[str, Any], objective: Objective) -> str:
    name = cut(target["column"], 40)
    if objective.task == "regression":
        return f"mean {name}"
    return f"{name} = {cut(list(target['classes'])[-1], 40)}" if target["classes"] else name


def _with_facts(chart: Chart, facts: Sequence[tuple[str, str]]) -> Chart:
    return replace(chart, facts=tuple(facts))


def facts_of(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give a column's figures as a reader wants them."""
    facts: list[tuple[str, str]] = []

    def tell(label: str, value: str | None) -> None:
        if value:
            facts.append((label, value))

    strength = known.get("association")
    tell("association", None if strength is None else format.number(strength, 2))
    tell("missing", format.percent(known["missing_share"] or 0) if known["missing"] else "none")
    tell("different", format.integer(known["distinct"]))
    if "mean" in known:
        tell("mean", format.number(known["mean"]))
        tell("sd", format.number(known["sd"]))
        tell("median", _number(known["q50"]))
        tell("range", f"{_number(known['min'])} to {_number(known['max'])}")
        tell("5% to 95%", f"{_number(known['q05'])} to {_number(known['q95'])}")
        if known["skewness"] is not None:
            tell("skewness", format.number(known["skewness"], 2))
        outliers = sum(known["outliers"].values())
        tell("outliers", format.integer(outliers) if outliers else None)
        tell("zeros", format.integer(known["zeros"]) if known["zeros"] else None)
        tell("negative", format.integer(known["negative"]) if known["negative"] else None)
        tell("infinite", format.integer(known["infinite"]) if known["infinite"] else None)
    elif "q50" in known:
        tell("range", f"{str(known['min'])[:19]} to {str(known['max'])[:19]}")
    if "length" in known:
        length = known["length"]
        tell("characters", f"{length['min']:,} to {length['max']:,}")
        tell("blank", format.integer(known["blank"]) if known["blank"] else None)
        tell("padded", format.integer(known["padded"]) if known["padded"] else None)
    bits = known.get("mutual_information")
    tell("bits told", None if bits is None else format.number(bits, 2))
    rank = known.get("spearman")
    tell("Spearman", None if rank is None else format.number(rank, 2))
    shift = known.get("drift", {}).get("test")
    tell("PSI in test", None if shift is None else format.number(shift["psi"], 2))
    return facts


def _number(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return format.number(int(value) if whole else value)


def drift_chart(name: str, known: Mapping[str, Any], width: Width = "third") -> Chart:
    """Lay a column's spread in the part that differs most over that in train."""
    spread = known.get("histogram") or known["top"]
    drift = known["drift"]
    part = max(drift, key=lambda other: (drift[other]["psi"], other == "test"))
    by_part = known["by_part"]
    bins = bins_of(spread)
    if "edges" not in spread and len(by_part["train"]) > len(bins):
        others = by_part["train"][-1] + by_part[part][-1]
        bins += ["(others)"] if others else []
    count = len(spread["rows"]) if "edges" in spread else len(bins)
    told = drift[part]
    words = f"PSI {format.number(told['psi'], 2)}"
    if told.get("kolmogorov_smirnov") is not None:
        words += f", Kolmogorov-Smirnov {format.number(told['kolmogorov_smirnov'], 2)}"
    if told.get("unseen_rows"):
        words += f", {format.plural(told['unseen_rows'], 'row')} of categories that train lacks"
    return charts.distributions(
        bins,
        by_part["train"][:count],
        by_part[part][:count],
        names=("train", part),
        x=cut(name, 40),
        title=cut(name, 80) if width == "third" else f"In train and {part}",
        caption=f"{words}.",
        width=width,
    )
