"""The page's sections on gaps, associations, time, drift, and rows as they are."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from fivefold.data.profiling.pictures import cut, drift_chart
from fivefold.objective import Objective
from fivefold.report import (
    Alert,
    Block,
    Column,
    Section,
    Table,
    charts,
    format,  # noqa: A004 - read as format.number
)

__all__ = [
    "association_section",
    "drift_section",
    "example_section",
    "gap_section",
    "time_section",
]

_MOST_ROWS = 100
_DRIFTED = 6
_PARTS = ("test", "production")
_SHOWN_COLUMNS = 40


def gap_section(summary: Mapping[str, Any]) -> Section:
    """Draw how much is missing, and which columns miss together."""
    gaps, columns = summary["missing"], summary["columns"]
    if not gaps:
        return Section("Missing values")
    names = gaps["columns"]
    blocks: list[Block] = [
        charts.gaps(
            names,
            [(pattern["rows"], pattern["missing"]) for pattern in gaps["patterns"]],
            total=summary["rows"],
            caption=f"{format.plural(gaps['patterns_total'], 'combination')} in all."
            if gaps["patterns_total"] > len(gaps["patterns"])
            else "",
        ),
        charts.missing_values(
            [cut(name) for name in columns], [k["missing_share"] or 0 for k in columns.values()]
        ),
    ]
    if gaps["together"] and len(names) > 1:
        blocks.append(
            charts.heatmap(
                names,
                gaps["together"],
                title="Gaps that go together",
                caption="Correlation of whether two columns are missing (phi): 1 is always "
                "together, negative is one or the other.",
            )
        )
    return Section("Missing values", blocks)


def association_section(
    summary: Mapping[str, Any], features: Mapping[str, Any], objective: Objective
) -> Section:
    """Draw how columns go with the target and with one another."""
    strong = {cut(n): k["association"] for n, k in features.items() if k.get("association")}
    blocks: list[Block] = []
    if strong:
        blocks.append(
            charts.bar(
                list(strong),
                list(strong.values()),
                kind="number",
                x="association",
                limit=20,
                title="With the target",
                caption="Cramér's V of the binned feature and the class, corrected for chance."
                if objective.is_classification
                else "Correlation ratio of the target in the feature's bins.",
            )
        )
    found = summary["associations"]
    names = found["columns"]
    if len(names) > 1:
        size = range(len(names))
        told = [
            [found["cramers_v"][i][j] if j > i else found["mutual_information"][i][j] for j in size]
            for i in size
        ]
        blocks.append(
            charts.heatmap(
                names,
                told,
                what=("Cramér's V", "mutual information"),
                title="All columns with one another",
                caption="Cramér's V above the diagonal; mutual information, as a share of the "
                "smaller entropy, below. Numbers in ten bins.",
            )
        )
    rank = found["spearman"]
    numeric = [at for at in range(len(names)) if rank[at][at] is not None]
    if len(numeric) > 1:
        mixed = [
            [found["pearson"][i][j] if j > i else found["spearman"][i][j] for j in numeric]
            for i in numeric
        ]
        blocks.append(
            charts.heatmap(
                [names[at] for at in numeric],
                mixed,
                what=("Pearson", "Spearman"),
                title="Numbers with one another",
                caption="Pearson's correlation above the diagonal, Spearman's below.",
            )
        )
    blocks += [
        charts.density(
            drawn["x_edges"],
            drawn["y_edges"],
            drawn["rows"],
            x=cut(drawn["x"], 40),
            y=cut(drawn["y"], 40),
            title=f"{cut(drawn['x'], 30)} and {cut(drawn['y'], 30)}",
        )
        for drawn in summary["densities"]
    ]
    table = _with_target(features)
    if table is not None:
        blocks.append(table)
    sample = summary["sample"]
    note = None
    if sample:
        note = (
            f"Columns are compared with one another on {sample['rows']:,} rows drawn by their key, "
            "with the target on all of them (but for Pearson's and Spearman's correlation)."
        )
    return Section("Associations", blocks, note=note)


def _with_target(features: Mapping[str, Any]) -> Table | None:
    known = {n: k for n, k in features.items() if k.get("association") is not None}
    if not known:
        return None
    keys = [
        ("association", "association"),
        ("mutual_information", "mutual information (bit)"),
        ("pearson", "Pearson"),
        ("spearman", "Spearman"),
        ("gaps_association", "of its gaps"),
    ]
    keys = [key for key in keys if any(k.get(key[0]) is not None for k in known.values())]
    order = sorted(known, key=lambda n: (-known[n]["association"], n))
    return Table(
        [Column("feature", "code"), *(Column(title, "number") for _, title in keys)],
        [(cut(n, 80), *(known[n].get(key) for key, _ in keys)) for n in order[:_MOST_ROWS]],
        "With the target" + (f": the first {_MOST_ROWS}" if len(order) > _MOST_ROWS else ""),
        sortable=True,
    )


def time_section(summary: Mapping[str, Any]) -> Section:
    """Draw rows, the target and the strongest features over time."""
    time = summary["over_time"]
    if not time:
        return Section("Over time")
    first_days = [datetime.date.fromisoformat(day) for day in time["periods"]]
    unit, target = time["unit"], summary["target"]
    blocks: list[Block] = [
        charts.line(
            first_days,
            time["rows"],
            kind="integer",
            y_title="rows",
            zero=True,
            title=f"Rows by {unit}",
            width="half",
        )
    ]
    if time["target"] is not None:
        rate = target["task"] != "regression"
        name = cut(target["column"], 40)
        label = f"{name} = {cut(list(target['classes'])[-1], 40)}" if rate else f"mean {name}"
        blocks.append(
            charts.target_over_time(
                first_days,
                time["target"],
                kind="percent" if rate else "number",
                y_title=label,
                title=f"Target by {unit}",
                width="half",
            )
        )
    for name, told in time["features"].items():
        share = told["of"] != "mean"
        blocks.append(
            charts.line(
                first_days,
                told["values"],
                kind="percent" if share else "number",
                y_title=cut(told["of"], 40),
                title=cut(name, 80),
                width="third",
                caption=_gap_words(told["missing_share"]),
            )
        )
    return Section(
        "Over time",
        blocks,
        note=f"By {unit} of {format.verbatim(cut(time['column']))}; below, the strongest features.",
    )


def _gap_words(shares: list[float]) -> str:
    low, high = min(shares), max(shares)
    if high - low < 0.02:
        return ""
    return f"Missing in {format.percent(low)} to {format.percent(high)} of a period's rows."


def drift_section(summary: Mapping[str, Any], features: Mapping[str, Any]) -> Section:
    """Draw how far test and production are from train."""
    parts = summary["parts"]
    if not parts["rows"]:
        words = f"The split's parts are not compared: {format.verbatim(parts['reason'])}."
        return Section("Drift between the parts", [Alert("info", words)])
    known = {n: k for n, k in features.items() if k.get("drift")}
    far = {n: max(told["psi"] for told in k["drift"].values()) for n, k in known.items()}
    order = sorted(far, key=lambda n: (-far[n], n))
    shown = [part for part in _PARTS if any(part in k["drift"] for k in known.values())]
    heads = [Column("feature", "code")]
    for part in shown:
        heads += [
            Column(f"PSI, {part}", "number", digits=2),
            Column("Jensen-Shannon", "number", digits=2),
            Column("Kolmogorov-Smirnov", "number", digits=2),
        ]
    rows = [
        (
            cut(name, 80),
            *(
                known[name]["drift"].get(part, {}).get(key)
                for part in shown
                for key in ("psi", "jensen_shannon", "kolmogorov_smirnov")
            ),
        )
        for name in order[:_MOST_ROWS]
    ]
    blocks: list[Block] = [
        drift_chart(name, known[name]) for name in order[:_DRIFTED] if "by_part" in known[name]
    ]
    if rows:
        blocks.append(Table(heads, rows, "Distance of each part from train", sortable=True))
    return Section(
        "Drift between the parts",
        blocks,
        note="The population stability index (PSI) is over bins that hold about equally many rows: "
        "below 0.1 is stable, from 0.25 on has shifted.",
    )


def example_section(summary: Mapping[str, Any]) -> Section:
    """Show a few rows."""
    examples = summary["examples"]
    if not examples["rows"]:
        return Section("A few rows")
    columns = examples["columns"][:_SHOWN_COLUMNS]
    heads = [
        Column(cut(name, 40), "number" if summary["columns"][name]["dtype"] in _NUMBERS else "text")
        for name in columns
    ]
    rows = [tuple(_shown(value) for value in row[: len(columns)]) for row in examples["rows"]]
    return Section("A few rows", [Table(heads, rows, "Rows by chance, the same each time")])


_NUMBERS = ("integer", "number")


def _shown(value: Any) -> Any:
    """Write a cell as it is: a year is no quantity that wants separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
