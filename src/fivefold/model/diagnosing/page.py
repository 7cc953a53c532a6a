"""The page of the diagnose stage: where the model errs, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fivefold.metrics import METRICS
from fivefold.model.diagnosing.column_section import column_section, has_residual
from fivefold.model.diagnosing.quality_section import quality_section
from fivefold.objective import Objective
from fivefold.report import Alert, Column, Fact, Facts, Page, Section, Table, charts
from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.model.diagnose import DiagnoseConfig

__all__ = ["diagnosis_page"]

# Feature values beside a costly row; the report has all.
_SHOWN = 4


def diagnosis_page(report: Mapping[str, Any], objective: Objective, config: DiagnoseConfig) -> Page:
    """Draw what :func:`fivefold.model.diagnosing.diagnosed.diagnosed` gave."""
    sections = [
        _in_short(report),
        _slices(report, objective, config),
        _costly(report, objective),
        *_confusions(report),
        column_section(report, "loss"),
        *([column_section(report, "residual")] if has_residual(report) else []),
        quality_section(report),
    ]
    return Page(
        title="Errors",
        lead=_lead(report),
        kicker=f"{objective.name} · model",
        sections=sections,
    )


def _lead(report: Mapping[str, Any]) -> str:
    slices, loss = report["slices"], report["loss"]
    if not slices:
        why = report["search"]["note"] or "no slice is worse than the others beyond noise"
        return f"{why[0].upper()}{why[1:]}."
    worst = slices[0]
    return (
        f"Worst where {worst['slice']}: {loss['title']} {form.number(worst['mean_loss'])} against "
        f"{form.number(worst['rest_loss'])} elsewhere, "
        f"{form.percent(worst['share'])} of the rows."
    )


def _in_short(report: Mapping[str, Any]) -> Section:
    loss, search, costly = report["loss"], report["search"], report["costly"]
    looked = sum(search["looked_at"])
    facts = [
        Fact("rows", report["rows"]),
        Fact(f"mean {loss['title']}", loss["mean"]),
        Fact(
            "slices confirmed",
            search["confirmed"],
            note=f"of {form.integer(looked)} looked at",
            status="warn" if search["confirmed"] else None,
        ),
    ]
    if costly["top_share"] is not None:
        what = "cost" if costly["ranked_by"] == "cost" else "loss"
        facts.append(
            Fact(f"{what} in 1% of the rows", form.percent(costly["top_share"]), note="of all")
        )
    if report["features"]:
        first = report["features"][0]
        facts.append(
            Fact(
                "tells most of the errors",
                first["feature"],
                note=f"explains {form.percent(max(_shares(first)))} of their variance",
            )
        )
    return Section("In short", [Facts(facts)])


def _shares(item: Mapping[str, Any]) -> list[float]:
    return [item["explained"], item["explained_residual"] or 0.0]


def _slices(report: Mapping[str, Any], objective: Objective, config: DiagnoseConfig) -> Section:
    slices, search, loss = report["slices"], report["search"], report["loss"]
    if search["note"]:
        return Section("Worst slices", [Alert("info", f"Not searched: {search['note']}.")])
    looked = " and ".join(
        f"{form.integer(count)} of {form.plural(at, 'condition')}"
        for at, count in enumerate(search["looked_at"], 1)
    )
    blocks = report["blocks"]
    together = ""
    if blocks and blocks["used"]:
        unit = "days" if blocks["unit"] == "day" else "values"
        together = (
            f" Rows of one of the {form.integer(blocks['count'])} {unit} of "
            f"{form.verbatim(blocks['column'])} are taken to go together."
        )
    note = (
        f"Searched on {form.plural(search['searched_rows'], 'row')} ({looked}), judged on the "
        f"other {form.integer(search['judged_rows'])}: "
        f"{form.plural(search['candidates'], 'candidate')}, {search['correction']}'s correction."
        f"{together} Loss and metric are of the rows that judge."
    )
    if not slices:
        text = "No slice is worse than the others beyond noise."
        return Section("Worst slices", [Alert("good", text)], note=note)
    picture = charts.estimates(
        [f"{one['slice']} — {form.plural(one['rows'], 'row')}" for one in slices],
        [one["difference"] for one in slices],
        [one["low"] for one in slices],
        [one["high"] for one in slices],
        reference=0.0,
        counts=[one["rows"] for one in slices],
        x=f"{loss['title']} above the other rows'",
        y="slice",
        title="How much worse",
        caption="Zero, dashed, is no worse than the other rows.",
    )
    return Section(
        "Worst slices", [picture, _slice_table(slices, loss, objective, config)], note=note
    )


def _slice_table(
    slices: Sequence[Mapping[str, Any]],
    loss: Mapping[str, Any],
    objective: Objective,
    config: DiagnoseConfig,
) -> Table:
    share = form.percent(config.confidence, 0)
    return Table(
        [
            "slice",
            Column("rows", "integer"),
            Column("share", "share"),
            Column(loss["title"], "number"),
            Column("elsewhere", "number"),
            Column("Cohen's d", "number", 2),
            "corrected p",
            f"{METRICS[objective.primary_metric].title}, {share} interval",
        ],
        [
            (
                one["slice"],
                one["rows"],
                one["share"],
                one["mean_loss"],
                one["rest_loss"],
                one["effect_size"],
                _p(one["adjusted"]),
                _estimate(one["metric"]),
            )
            for one in slices
        ],
        caption="The worst slices that the other half confirms",
        sortable=True,
    )


def _estimate(metric: Mapping[str, Any]) -> str:
    ends = metric["interval"] or {"low": None, "high": None}
    return form.estimate(metric["value"], ends["low"], ends["high"])


def _p(value: float | None) -> str:
    if value is None:
        return form.MISSING
    return "< 0.001" if value < 0.001 else form.number(value, 2)


def _costly(report: Mapping[str, Any], objective: Objective) -> Section:
    costly, loss = report["costly"], report["loss"]
    rows = costly["rows"]
    by_cost = costly["ranked_by"] == "cost"
    note = "Ranked by their cost, then by their loss." if by_cost else "Ranked by their loss."
    if by_cost:
        note += (
            f" All errors cost {form.number(costly['total_cost'])}, "
            f"{form.number(costly['mean_cost'])} a row."
        )
    if not rows or not any(row["loss"] for row in rows):
        return Section("Costliest rows", [Alert("good", "No row costs anything.")], note=note)
    key = list(rows[0]["key"])
    shown = _telling(report, rows[0]["features"], key)
    scored = rows[0]["score"] is not None
    return Section(
        "Costliest rows",
        [
            Table(
                [
                    *key,
                    objective.target,
                    "predicted",
                    *([Column("score", "number")] if scored else []),
                    Column(loss["title"], "number"),
                    *([Column("cost", "number")] if by_cost else []),
                    *shown,
                ],
                [
                    (
                        *(_name(value) for value in row["key"].values()),
                        row["target"],
                        row["predicted"],
                        *([row["score"]] if scored else []),
                        row["loss"],
                        *([row["cost"]] if by_cost else []),
                        *(row["features"][name] for name in shown),
                    )
                    for row in rows
                ],
                caption=f"The {form.plural(len(rows), 'row')} that cost most, with the features "
                "that tell most of the errors",
                sortable=True,
            )
        ],
        note=note,
    )


def _name(value: Any) -> str:
    """Write a part of the key, whose numbers count nothing."""
    text = form.MISSING if value is None else str(value)
    return text.replace("T", " ").removesuffix("+00:00") if text.endswith("+00:00") else text


def _telling(
    report: Mapping[str, Any], features: Mapping[str, Any], key: Sequence[str]
) -> list[str]:
    names = dict.fromkeys(item["column"] for item in report["features"])
    return [name for name in names if name in features and name not in key][:_SHOWN]


def _confusions(report: Mapping[str, Any]) -> list[Section]:
    found = report["confusions"]
    if found is None:
        return []
    if not found:
        return [Section("Confusions", [Alert("good", "Every class is predicted right.")])]
    table = Table(
        [
            "true",
            "taken for",
            Column("rows", "integer"),
            Column("of the errors", "share"),
            Column("of the class", "share"),
            "more often where",
            Column("there", "percent"),
            Column("elsewhere", "percent"),
        ],
        [
            (
                form.value(one["true"]),
                form.value(one["predicted"]),
                one["rows"],
                one["share_of_errors"],
                one["share_of_class"],
                *_condition(one["condition"]),
            )
            for one in found
        ],
        caption="The most frequent confusions of classes",
    )
    note = (
        "The condition is the one under which rows of the true class are most surely confused more "
        "often: found on one half of the rows, confirmed on the other."
    )
    return [Section("Confusions", [table], note=note)]


def _condition(found: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
    if found is None:
        return form.MISSING, None, None
    return found["text"], found["rate"], found["rate_outside"]
