"""The sections of the explain stage's page on changed input: robustness and declared directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.objective import Objective
from fivefold.report import Block, Cell, Column, Section, Table, charts
from fivefold.report import format as form

__all__ = ["shaken_sections"]

_MOST_COLUMNS = 20
_MOST_CHANGES = 20


def shaken_sections(report: Mapping[str, Any], objective: Objective) -> list[Section]:
    """Draw what changes of the input do, and where declared directions don't hold."""
    return [*_robustness(report, objective), *_monotonicity(report)]


def _robustness(report: Mapping[str, Any], objective: Objective) -> list[Section]:
    found = report["robustness"]
    if not found["changes"]:
        return []
    together = [item for item in found["changes"] if item["feature"] is None]
    alone = [item for item in found["changes"] if item["feature"] is not None]
    blocks: list[Block] = []
    if together:
        blocks.append(_table(together, objective, "All columns changed together"))
    if alone:
        blocks += [
            _matrix(alone, objective),
            _table(alone[:_MOST_CHANGES], objective, "The worst changes of one column"),
        ]
    share = form.percent(report["confidence"], 0)
    return [
        Section(
            "When the input changes",
            blocks,
            note=f"On {form.plural(found['rows'], 'row')}, of {objective.primary.title} "
            f"{form.number(found['value'])}. Noise and shifts are in standard deviations of the "
            "training rows, within the schema's bounds; `never seen` is a category that no "
            f"training row has. The {share} intervals cover which rows were tested. Above 0 is "
            "worse, whichever way the metric goes.",
        )
    ]


def _label(item: Mapping[str, Any]) -> str:
    level = item["level"]
    if item["kind"] == "noise":
        return f"noise {level:g}"
    if item["kind"] == "shift":
        return f"shift {'up' if level > 0 else 'down'} {abs(level):g}"
    if item["kind"] == "missing":
        return f"{form.percent(level, 0)} missing"
    return "never seen" if item["kind"] == "unseen" else str(item["kind"])


def _matrix(alone: list[dict[str, Any]], objective: Objective) -> Block:
    measure = "worse" if any(item["worse"] is not None for item in alone) else "moved"
    features = list(dict.fromkeys(item["feature"] for item in alone))[:_MOST_COLUMNS]
    labels = sorted({_label(item) for item in alone}, key=_order(alone).__getitem__)
    cells = {(item["feature"], _label(item)): item[measure] for item in alone}
    what = f"{objective.primary.title} worse by" if measure == "worse" else "prediction moves by"
    return charts.matrix(
        features,
        labels,
        [[cells.get((name, label)) for label in labels] for name in features],
        y="column",
        x="change",
        what=what,
        title=f"{what}, by column and change",
        caption="The columns with the worst change first.",
    )


def _order(alone: list[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    kinds = ("noise", "shift", "missing", "unseen", "most frequent")
    return {_label(item): (kinds.index(item["kind"]), item["level"] or 0.0) for item in alone}


def _table(items: list[dict[str, Any]], objective: Objective, caption: str) -> Table:
    labels = any(item["flipped"] is not None for item in items)
    return Table(
        [
            Column("column", "code"),
            "change",
            Column(f"{objective.primary.title} worse by", "number"),
            Column("interval", "interval"),
            *([Column("labels that flip", "percent")] if labels else []),
            Column("prediction moves by", "number"),
        ],
        [
            (
                "all" if item["feature"] is None else item["feature"],
                Cell(f"{_label(item)}: {item['error']}", "bad") if item["error"] else _label(item),
                item["worse"],
                (item["interval"]["low"], item["interval"]["high"])
                if item["interval"]
                else form.MISSING,
                *([item["flipped"]] if labels else []),
                item["moved"],
            )
            for item in items
        ],
        caption=caption,
        sortable=True,
    )


def _monotonicity(report: Mapping[str, Any]) -> list[Section]:
    found = report["monotonicity"]
    if not found:
        return []
    rows = [
        (
            item["feature"],
            item["direction"],
            item["rows"],
            form.MISSING
            if item["violating"] is None
            else Cell(form.percent(item["violating"]), "bad" if item["violating"] else "good"),
            item["largest"],
        )
        for item in found
    ]
    blocks: list[Block] = [
        Table(
            [
                Column("feature", "code"),
                "declared",
                Column("rows moved", "integer"),
                Column("rows that violate it", "percent"),
                Column("largest move the wrong way", "number"),
            ],
            rows,
            caption="Declared directions",
        )
    ]
    examples = [
        (
            item["feature"],
            ", ".join(str(value) for value in one["key"].values()),
            f"{form.number(one['from'])} → {form.number(one['to'])}",
            f"{form.number(one['before'])} → {form.number(one['after'])}",
        )
        for item in found
        for one in item["examples"]
    ]
    if examples:
        blocks.append(
            Table(
                [Column("feature", "code"), "row", "moved", "prediction"],
                examples,
                caption="Rows that move the wrong way, the worst of each feature",
            )
        )
    return [
        Section(
            "Declared directions",
            blocks,
            note="Each row is moved along the feature's values, all else equal. Moves the wrong "
            f"way of up to {form.number(report['tolerance'])} count for none.",
        )
    ]
