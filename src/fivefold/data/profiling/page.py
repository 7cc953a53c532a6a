"""The page of the table and the target, made for looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fivefold.data.profiling.pictures import FEWEST_ROWS, column_chart, drift_chart, target_words
from fivefold.data.profiling.sections import (
    association_section,
    drift_section,
    example_section,
    gap_section,
    time_section,
)
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
    Text,
    charts,
    format,  # noqa: A004 - read as format.number
)
from fivefold.report.spec import to_json

__all__ = ["page_of"]

# What a page may take beyond Vega's 0.9 MB, in bytes: columns of pictures, rows of the table.
_PAGE_BYTES, _PICTURE_BYTES, _TABLE_BYTES, _NAME_BYTES = 900_000, 350_000, 150_000, 30_000
_MOST_ALARMS = 12
_BAD = ("leak", "gaps_tell")
_ALARMS = {
    "leak": "may know the answer: {text}. If it is known only afterwards, give it role: outcome.",
    "gaps_tell": "{text}: whether it is known may depend on the outcome.",
    "constant": "{text}, and so says nothing.",
    "identifier_like": "{text}, as an identifier has; give it role: identifier if it is one.",
}


def page_of(summary: Mapping[str, Any], objective: Objective, pictures: int) -> Page:
    """Draw what :func:`fivefold.data.profiling.summary.summarise` gave.

    Parameters
    ----------
    summary : mapping
    objective : Objective
    pictures : int
        Features that are drawn at most.
    """
    columns = summary["columns"]
    features = {name: known for name, known in columns.items() if known["feature"]}
    around = [
        gap_section(summary),
        association_section(summary, features, objective),
        time_section(summary),
        drift_section(summary, features),
        _columns(columns),
        example_section(summary),
    ]
    room = max(_PAGE_BYTES - sum(map(_bytes, around)), 0)
    sections = [
        Section("Overview", _overview(summary, features, objective)),
        Section("Target", _target(summary, objective)),
        _features(summary, features, objective, pictures, min(room, _PICTURE_BYTES)),
        *around,
    ]
    alarms = len(summary["alarms"])
    return Page(
        title="The data",
        lead=f"{format.plural(summary['rows'], 'row')}, {format.plural(len(columns), 'column')}; "
        + (f"{format.plural(alarms, 'alarm')} to look at." if alarms else "nothing alarming."),
        sections=[section for section in sections if section.blocks],
        kicker=f"{objective.name} · data",
    )


def _bytes(section: Section) -> int:
    """Say about how much a section takes on the page."""
    return sum(
        len(to_json(block.spec).encode()) + 1000
        if isinstance(block, Chart)
        else 110 * len(block.rows) * len(block.columns)
        if isinstance(block, Table)
        else _NAME_BYTES
        for block in section.blocks
    )


def _overview(
    summary: Mapping[str, Any], features: Mapping[str, Any], objective: Objective
) -> list[Block]:
    columns, rows = summary["columns"], summary["rows"]
    cells = rows * len(columns)
    missing = sum(known["missing"] for known in columns.values())
    kinds: dict[str, int] = {}
    for known in columns.values():
        kinds[known["dtype"]] = kinds.get(known["dtype"], 0) + 1
    told = ", ".join(
        f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda i: (-i[1], i[0]))
    )
    gaps = summary["missing"]
    facts = [
        Fact("rows", rows, note=_parts_note(summary["parts"]["rows"])),
        Fact("columns", len(columns), note=f"{format.plural(len(features), 'feature')}; {told}"),
        Fact(
            "cells missing",
            format.percent(missing / cells if cells else 0),
            note=f"{gaps['complete_rows']:,} rows without a gap" if gaps else "none",
        ),
        _target_fact(summary["target"], objective),
    ]
    if summary["sample"]:
        drawn = summary["sample"]["rows"]
        facts.append(
            Fact("compared on", f"{drawn:,} rows", note="columns with one another; drawn by key")
        )
    alarms = summary["alarms"]
    return [
        Facts(facts),
        *(
            Alert(
                "bad" if alarm["kind"] in _BAD else "warn",
                f"{format.verbatim(_cut(alarm['column']))} "
                + _ALARMS.get(alarm["kind"], "{text}.").format(text=_said(alarm["text"])),
            )
            for alarm in alarms[:_MOST_ALARMS]
        ),
        *([_more_alarms(alarms[_MOST_ALARMS:])] if len(alarms) > _MOST_ALARMS else []),
    ]


def _said(text: str) -> str:
    """Write a text that may hold names from the data, so that Markdown leaves it alone."""
    plain = " ".join(_cut(text, 200).split())
    return "".join(
        f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|~&" and c in "\\`*_[]<>&" else c for c in plain
    )


def _more_alarms(alarms: Sequence[Mapping[str, Any]]) -> Table:
    shown = alarms[:200]
    rest = len(alarms) - len(shown)
    caption = "More to look at" + (f"; {rest:,} others in the JSON" if rest else "")
    rows = [(_cut(a["column"]), a["kind"].replace("_", " "), _cut(a["text"], 160)) for a in shown]
    return Table([Column("column", "code"), "kind", "what"], rows, caption, sortable=True)


def _parts_note(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {rows:,}" for name, rows in parts.items() if rows)


def _target_fact(target: Mapping[str, Any], objective: Objective) -> Fact:
    name = _cut(target["column"], 40)
    if objective.task == "regression":
        return Fact(f"median {name}", target["q50"], note=f"mean {format.number(target['mean'])}")
    counts = list(target["classes"].values())
    if objective.task == "binary" and len(counts) == 2:
        return Fact(
            f"{name} = {list(target['classes'])[-1]}", format.percent(counts[-1] / sum(counts))
        )
    return Fact(f"classes of {name}", len(counts))


def _target(summary: Mapping[str, Any], objective: Objective) -> list[Block]:
    target, columns = summary["target"], summary["columns"]
    name = target["column"]
    blocks: list[Block] = []
    if objective.is_classification:
        classes = target["classes"]
        blocks.append(
            charts.bar(
                [_cut(label, 60) for label in classes],
                list(classes.values()),
                y=_cut(name, 40),
                sort=False,
                title="Classes",
            )
        )
    elif "histogram" in columns[name]:
        spread = columns[name]["histogram"]
        shown = _cut(name, 40)
        blocks.append(charts.histogram(spread["edges"], spread["rows"], x=shown, title=shown))
    if "by_part" in columns[name]:
        blocks.append(drift_chart(name, columns[name], "half"))
    return blocks


def _features(
    summary: Mapping[str, Any],
    features: Mapping[str, Any],
    objective: Objective,
    most: int,
    room: int,
) -> Section:
    """Draw the strongest features, as many as the page has room for, and list the others."""
    order = sorted(features, key=lambda name: (-(features[name].get("association") or 0), name))
    drawable = [n for n in order if "histogram" in features[n] or "top" in features[n]]
    drawn: list[Block] = []
    used = 0
    for name in drawable[:most]:
        picture = column_chart(name, features[name], summary, objective)
        used += len(to_json(picture.spec).encode()) + 1600
        if used > room:
            break
        drawn.append(picture)
    left = [name for name in order if name not in set(drawable[: len(drawn)])]
    if left and drawn:
        drawn.append(_listed(left))
    words = target_words(summary["target"], objective)
    return Section(
        "Features",
        drawn,
        note="The strongest first. Bars are rows"
        + (
            f"; orange is {words} in bins of at least {FEWEST_ROWS} rows, dashed over all."
            if words
            else "."
        )
        + " A missing value counts as a value of its own in the association.",
        filter="Features by name",
    )


def _listed(names: Sequence[str]) -> Text:
    """Name what isn't drawn, as far as the page has room."""
    shown, used = [], 0
    for name in names:
        used += len(name.encode()) + 30
        if used > _NAME_BYTES:
            break
        shown.append(format.verbatim(_cut(name)))
    more = len(names) - len(shown)
    tail = f" and {more:,} more, in the JSON beside this page" if more else ""
    return Text(f"Not drawn: {', '.join(shown)}{tail}.")


def _columns(columns: Mapping[str, Any]) -> Section:
    heads = [
        Column("column", "code"),
        Column("type"),
        Column("role"),
        Column("missing", "share"),
        Column("different", "integer"),
        Column("min", "number"),
        Column("median", "number"),
        Column("mean", "number"),
        Column("max", "number"),
        Column("sd", "number"),
        Column("outliers", "integer"),
        Column("association", "number", digits=2),
    ]
    rows: list[tuple[Any, ...]] = []
    used = 0
    # Where there is no room for all, those that a model sees come first.
    for name, known in sorted(columns.items(), key=lambda item: not item[1]["feature"]):
        used += 420 + len(name.encode())
        if used > _TABLE_BYTES:
            break
        outliers = known.get("outliers")
        rows.append(
            (
                _cut(name),
                known["dtype"],
                known["role"],
                known["missing_share"],
                known["distinct"],
                *(_short(known.get(key)) for key in ("min", "q50", "mean", "max", "sd")),
                sum(outliers.values()) if outliers else None,
                known.get("association"),
            )
        )
    rest = len(columns) - len(rows)
    blocks: list[Block] = [Table(heads, rows, "Every column", sortable=True)]
    if rest:
        names = [n for n, _ in sorted(columns.items(), key=lambda i: not i[1]["feature"])]
        blocks = [Table(heads, rows, f"{len(rows):,} of {len(columns):,} columns", sortable=True)]
        blocks.append(_listed(names[len(rows) :]))
    return Section(
        "Columns",
        blocks,
        note="Outliers are beyond Tukey's fences: 1.5 interquartile ranges from the quartiles.",
        filter="Columns by name",
    )


def _short(value: Any) -> Any:
    return value[:19] if isinstance(value, str) else value


def _cut(text: object, most: int = 80) -> str:
    plain = str(text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
