"""The page of the table and the target."""

from __future__ import annotations

import datetime
from typing import Any

from fivefold.objective import Objective
from fivefold.report import (
    Alert,
    Block,
    Chart,
    Column,
    Fact,
    Facts,
    Page,
    Section,
    Table,
    charts,
    format,  # noqa: A004 - read as format.number
)

__all__ = ["page_of"]

# More pictures than this make the page slow to open; the table lists every column.
_MOST_PICTURES = 60
_ALARMS = {
    "leak": "may know the answer: {text}. If it is known only afterwards, give it role: outcome.",
    "constant": "{text}, and so says nothing.",
    "missing": "{text}.",
}


def page_of(summary: dict[str, Any], objective: Objective) -> Page:
    """Draw the summary of :func:`fivefold.data.profile.profile`."""
    columns = summary["columns"]
    features = {name: known for name, known in columns.items() if known["feature"]}
    cells = summary["rows"] * len(columns)
    missing = sum(known["missing"] for known in columns.values())
    target = summary["target"]
    facts = [
        Fact("rows", summary["rows"]),
        Fact("columns", len(columns), note=format.plural(len(features), "feature")),
        Fact("cells missing", format.percent(missing / cells if cells else 0)),
        _target_fact(target, objective),
    ]
    overview: list[Block] = [Facts(facts)]
    overview += [
        Alert(
            "bad" if alarm["kind"] == "leak" else "warn",
            f"{format.verbatim(alarm['column'])} "
            + _ALARMS[alarm["kind"]].format(text=alarm["text"]),
        )
        for alarm in summary["alarms"]
    ]
    overview.append(
        charts.missing_values(list(columns), [k["missing_share"] or 0 for k in columns.values()])
    )
    strong = {n: k["association"] for n, k in features.items() if k.get("association") is not None}
    overview.append(
        charts.bar(
            list(strong),
            list(strong.values()),
            kind="number",
            x="association",
            y="feature",
            limit=20,
            title="Association with the target",
            caption="Cramér's V of the binned feature and the class."
            if objective.is_classification
            else "Correlation ratio of the target in the feature's bins.",
        )
    )
    sections = [
        Section("Overview", overview),
        Section("Target", _target_blocks(summary, objective)),
        Section(
            "Features",
            _pictures(features, target, objective),
            note="The strongest first; a missing value counts as a value of its own.",
        ),
        Section("Columns", [_table(columns)]),
    ]
    return Page(
        title="The data",
        lead=f"{format.plural(summary['rows'], 'row')}, {format.plural(len(columns), 'column')}; "
        + (
            f"{format.plural(len(summary['alarms']), 'alarm')} to look at."
            if summary["alarms"]
            else "nothing alarming."
        ),
        sections=sections,
        kicker=f"{objective.name} · data",
    )


def _target_fact(target: dict[str, Any], objective: Objective) -> Fact:
    if objective.task == "regression":
        return Fact(
            f"median {target['column']}",
            target["q50"],
            note=f"mean {format.number(target['mean'])}",
        )
    counts = list(target["classes"].values())
    if objective.task == "binary":
        share = counts[-1] / sum(counts) if counts else 0
        return Fact(f"{target['column']} = {list(target['classes'])[-1]}", format.percent(share))
    return Fact("classes", len(counts))


def _target_blocks(summary: dict[str, Any], objective: Objective) -> list[Block]:
    target = summary["target"]
    name = target["column"]
    blocks: list[Block] = []
    if objective.is_classification:
        classes = target["classes"]
        blocks.append(
            charts.bar(list(classes), list(classes.values()), y=name, sort=False, title="Classes")
        )
    else:
        spread = summary["columns"][name]["histogram"]
        blocks.append(charts.histogram(spread["edges"], spread["rows"], x=name, title=name))
    time = summary["over_time"]
    if time is not None:
        first_days = [datetime.date.fromisoformat(day) for day in time["periods"]]
        if time["target"] is not None:
            binary = objective.task == "binary"
            blocks.append(
                charts.target_over_time(
                    first_days,
                    time["target"],
                    kind="percent" if binary else "number",
                    y_title=f"{name} = {list(target['classes'])[-1]}" if binary else f"mean {name}",
                    title=f"Target by {time['unit']}",
                )
            )
        blocks.append(
            charts.line(
                first_days,
                time["rows"],
                kind="integer",
                y_title="rows",
                zero=True,
                title=f"Rows by {time['unit']}",
            )
        )
    return blocks


def _pictures(
    features: dict[str, Any], target: dict[str, Any], objective: Objective
) -> list[Block]:
    order = sorted(features, key=lambda name: (-(features[name].get("association") or 0), name))
    return [
        _picture(name, features[name], target, objective)
        for name in order[:_MOST_PICTURES]
        if "histogram" in features[name] or "top" in features[name]
    ]


def _picture(
    name: str, known: dict[str, Any], target: dict[str, Any], objective: Objective
) -> Chart:
    """Draw a feature's spread; with two classes, one against the other."""
    numeric = "histogram" in known
    spread = known["histogram"] if numeric else known["top"]
    bins = spread["edges"] if numeric else spread["values"]
    strength = known.get("association")
    parts = [f"association {format.number(strength, 2)}"] if strength is not None else []
    if known["missing"]:
        parts.append(f"{format.percent(known['missing_share'])} missing")
    if not numeric and spread["other_rows"]:
        parts.append(f"{format.plural(spread['other_rows'], 'row')} of other values not shown")
    caption = "; ".join(parts)
    caption = caption[:1].upper() + caption[1:] + "." if caption else ""
    if objective.task == "binary" and spread["target"] is not None:
        upper = [
            round((rate or 0) * rows)
            for rate, rows in zip(spread["target"], spread["rows"], strict=True)
        ]
        lower = [rows - up for rows, up in zip(spread["rows"], upper, strict=True)]
        low, high = list(target["classes"])
        names = (f"{target['column']} = {low}", f"{target['column']} = {high}")
        return charts.distributions(
            bins, lower, upper, names=names, x=name, title=name, caption=caption, width="third"
        )
    if numeric:
        return charts.histogram(
            bins, spread["rows"], x=name, title=name, caption=caption, width="third"
        )
    return charts.bar(bins, spread["rows"], y=name, title=name, caption=caption, width="third")


def _table(columns: dict[str, Any]) -> Table:
    heads = [
        Column("column", "code"),
        Column("type"),
        Column("role"),
        Column("missing", "share"),
        Column("different", "integer"),
        Column("min"),
        Column("median"),
        Column("max"),
        Column("association", "number", digits=2),
    ]
    rows = [
        (
            name,
            known["dtype"],
            known["role"],
            known["missing_share"],
            known["distinct"],
            format.value(known.get("min")),
            format.value(known.get("q50")),
            format.value(known.get("max")),
            known.get("association"),
        )
        for name, known in columns.items()
    ]
    return Table(heads, rows, caption="Every column")
