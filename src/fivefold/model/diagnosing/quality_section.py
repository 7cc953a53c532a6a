"""The page's part on errors against the quality of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.report import Alert, Cell, Column, Section, Table, charts
from fivefold.report import format as form

__all__ = ["quality_section"]

_MOST = 12
_MOST_NAMES = 4
_WORDS = {
    "missing": "missing",
    "outlying": "beyond the training part's 1st to 99th percentile",
    "unseen": "of a category that training never saw",
}


def quality_section(report: Mapping[str, Any]) -> Section:
    """Draw the differences between rows with and without a flaw."""
    found, title = report["quality"], report["loss"]["title"]
    items = found["items"]
    note = (
        f"Rows with such a value against the rows without; {found['tested']} comparisons with at "
        f"least {found['least_rows']} rows on either side are tested, with "
        f"{found['correction']}'s correction."
    )
    if not items:
        text = "No feature of the test part is missing, outlying or unseen in any row."
        return Section("Errors and the quality of the data", [Alert("good", text)], note=note)
    drawn = [item for item in items if item["low"] is not None][:_MOST]
    blocks: list[Any] = []
    if not any(item["significant"] for item in items):
        blocks.append(
            Alert("good", "Rows with a flaw are predicted neither better nor worse, beyond noise.")
        )
    if drawn:
        blocks.append(
            charts.estimates(
                [f"{_name(item)} — {form.plural(item['rows'], 'row')}" for item in drawn],
                [item["difference"] for item in drawn],
                [item["low"] for item in drawn],
                [item["high"] for item in drawn],
                reference=0.0,
                counts=[item["rows"] for item in drawn],
                x=f"{title} above the rows without",
                y="value",
                title="Rows with a flaw against rows without",
                caption="The intervals are not corrected for their number; the table says what "
                "stays significant.",
            )
        )
    blocks += [_table(items, title), _counts(found["counts"], title)]
    return Section("Errors and the quality of the data", blocks, note=note)


def _name(item: Mapping[str, Any]) -> str:
    return f"{_columns(item) or 'any feature'} {_WORDS[item['kind']]}"


def _columns(item: Mapping[str, Any]) -> str:
    names = item["columns"]
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _table(items: list[dict[str, Any]], title: str) -> Table:
    return Table(
        [
            "feature",
            "value",
            Column("rows", "integer"),
            Column("share", "percent"),
            Column(f"{title} with", "number"),
            Column("without", "number"),
            "corrected p",
        ],
        [
            (
                _columns(item) or "any",
                item["kind"],
                item["rows"],
                item["share"],
                item["loss"],
                item["loss_without"],
                _p(item),
            )
            for item in items
        ],
        caption="Rows with a missing, outlying or unseen value",
        sortable=True,
    )


def _p(item: Mapping[str, Any]) -> Any:
    if item["adjusted"] is None:
        return "too few rows"
    text = "< 0.001" if item["adjusted"] < 0.001 else form.number(item["adjusted"], 2)
    return Cell(text, "warn" if item["difference"] > 0 else "good") if item["significant"] else text


def _counts(counts: Mapping[str, list[dict[str, Any]]], title: str) -> Table:
    return Table(
        ["value", "in so many features", Column("rows", "integer"), Column(title, "number"),
         Column("interval", "interval")],
        [
            (
                kind,
                f"{one['features']} or more" if one["or_more"] else str(one["features"]),
                one["rows"],
                one["loss"],
                (one["low"], one["high"]),
            )
            for kind, groups in counts.items()
            for one in groups
            if len(groups) > 1
        ],
        caption="By how many features of a row",
    )  # fmt: skip
