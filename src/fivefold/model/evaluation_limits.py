"""Sections of the evaluation's page: cuts, more rows, other seeds, what the test part can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.model.power import POWER
from fivefold.objective import Objective
from fivefold.report import Alert, Block, Column, Section, Table, charts
from fivefold.report import format as form

__all__ = ["cutoff_sections", "power_section", "refit_sections"]

_MOST_CURVES = 8


def cutoff_sections(report: Mapping[str, Any]) -> list[Section]:
    """Draw the thresholds, and gain and lift."""
    sections = []
    found = report.get("thresholds")
    if found:
        sections.append(Section("Thresholds", _thresholds(found), note=_chosen(found)))
    gains = report.get("gains") or []
    if gains:
        shown = gains[:_MOST_CURVES]
        share = shown[0]["share"]
        gain, lift = (
            {form.value(item["class"]): item[key] for item in shown} for key in ("gain", "lift")
        )
        tenth = "; ".join(
            f"{form.verbatim(form.value(item['class']))} "
            f"{form.percent(item['gain'][9], 0)} (lift {form.number(item['lift'][9], 2)})"
            for item in shown
        )
        sections.append(
            Section(
                "Gain and lift",
                [
                    charts.over_cuts(
                        [0, *share],
                        {name: [0, *values] for name, values in gain.items()},
                        guide=[(0, 0), (1, 1)],
                        x_title="share of the rows, highest scores first",
                        y_title="share of the class found",
                        x_kind="percent",
                        kind="percent",
                        title="Gain",
                        caption="The dashed line is chance",
                    ),
                    charts.over_cuts(
                        share,
                        lift,
                        guide=[(0, 1), (1, 1)],
                        x_title="share of the rows, highest scores first",
                        y_title="times as many as by chance",
                        x_kind="percent",
                        title="Lift",
                        caption="The dashed line is chance",
                    ),
                ],
                note=f"The tenth of the rows with the highest scores holds of the class {tenth}.",
            )
        )
    return sections


def _thresholds(found: Mapping[str, Any]) -> list[Block]:
    marks = {"in use": found["chosen"]["threshold"]}
    names = {
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "alarms": "predicted positive",
    }
    blocks: list[Block] = [
        charts.over_cuts(
            found["threshold"],
            {title: found[key] for key, title in names.items()},
            marks=marks,
            x_title="threshold",
            kind="percent",
            title="Precision, recall, F1 and share predicted positive",
            width="half" if "cost" in found else "full",
        )
    ]
    if "cost" in found:
        best = found["cheapest"]
        blocks.append(
            charts.over_cuts(
                found["threshold"],
                {"mean cost": found["cost"]},
                marks=marks,
                x_title="threshold",
                y_title="mean cost of a row",
                title="Cost",
                caption=f"Least on these rows: {form.number(best['cost'])} at "
                f"{form.number(best['threshold'])}; chosen by them, it would be too good",
            )
        )
    return blocks


def _chosen(found: Mapping[str, Any]) -> str:
    here = found["chosen"]
    said = (
        f"From {form.number(here['threshold'])} on, {form.percent(here['alarms'])} of the rows are "
        f"predicted positive: precision {form.number(here['precision'])}, recall "
        f"{form.number(here['recall'])}, F1 {form.number(here['f1'])}"
    )
    return said + (f", mean cost {form.number(here['cost'])}." if "cost" in here else ".")


def refit_sections(report: Mapping[str, Any], objective: Objective) -> list[Section]:
    """Draw the learning curve and tell the spread over seeds."""
    return [
        Section("Would more rows help?", _learning(report["learning_curve"], report, objective)),
        Section("Does the seed matter?", _seeds(report["seeds"], objective)),
    ]


def _learning(
    found: Mapping[str, Any], report: Mapping[str, Any], objective: Objective
) -> list[Block]:
    if found["skipped"]:
        return [Alert("info", f"No learning curve: {_sentence(found['skipped'])}")]
    points = found["points"]
    order = {
        "time": "The latest rows first, so the curve says how far back it pays to look",
        "group": "Whole groups, drawn by chance",
    }.get(report["bootstrap"]["method"], "Rows drawn by chance")
    alerts: list[Block] = [
        Alert("warn", f"A fit failed: {_sentence(text)}") for text in found["failed"]
    ]
    return [
        *alerts,
        charts.line(
            [point["rows"] for point in points],
            [point["value"] for point in points],
            low=[point["low"] for point in points],
            high=[point["high"] for point in points],
            x_title="training rows",
            y_title=objective.primary.title,
            title=f"{objective.primary.title} over training rows",
            caption=f"{order}; what was decided after the fit stays. The last point is the model "
            "that is kept",
        ),
    ]


def _seeds(found: Mapping[str, Any], objective: Objective) -> list[Block]:
    if found["skipped"]:
        return [Alert("info", f"Not judged: {_sentence(found['skipped'])}")]
    title = objective.primary.title
    said = (
        f"Over {form.plural(len(found['values']), 'seed')}, fitted on "
        f"{form.plural(found['rows'], 'row')}, {title} has the mean {form.number(found['mean'])} "
        f"and the standard deviation {form.number(found['std'])}; the largest and the smallest "
        f"are {form.number(found['spread'])} apart"
    )
    if found["larger"] is None:
        return [Alert("info", f"{said}.")]
    if found["larger"]:
        return [
            Alert("warn", f"{said}: **more than the interval is wide**. Part of any gain is luck.")
        ]
    return [Alert("good", f"{said}, less than the interval is wide.")]


def power_section(report: Mapping[str, Any], objective: Objective) -> Section:
    """Say which differences the test part can show."""
    found, title = report["power"], "What the test part can show"
    metric, wanted = objective.primary.title, found["smallest_difference"]
    kinds = [
        (name, found[key])
        for key, name in (
            ("paired", "a model that resembles this one, on the same rows"),
            ("unpaired", "a model judged on other rows, as many"),
        )
        if found[key]
    ]
    if not kinds:
        return Section(title, [Alert("warn", f"{metric} has no interval: nothing can be said.")])
    best = kinds[0][1]
    said = (
        f"The test part can show differences in {metric} from "
        f"**{form.number(best['detectable'])}** on."
    )
    if wanted is None:
        alert = Alert(
            "info", f"{said} The plan names no `smallest_difference` to hold this against."
        )
    elif best["power"] >= POWER:
        alert = Alert("good", f"{said} That is enough for the plan's {form.number(wanted)}.")
    else:
        alert = Alert(
            "warn",
            f"{said} The plan's smallest interesting difference, {form.number(wanted)}, would be "
            f"seen in {form.percent(best['power'], 0)} of such comparisons only; "
            f"{form.percent(POWER, 0)} would need about {form.plural(best['rows'], 'row')}.",
        )
    table = Table(
        [
            "compared with",
            Column("standard error", "number"),
            Column("shown from", "number"),
            *([Column("power", "percent"), Column("rows needed", "integer")] if wanted else []),
        ],
        [
            (
                name,
                item["error"],
                item["detectable"],
                *((item["power"], item["rows"]) if wanted else ()),
            )
            for name, item in kinds
        ],
        caption=f"Differences of {metric}, seen in {form.percent(POWER, 0)} of comparisons",
    )
    rival = "Resembles: the same pipeline on fewer rows, the learning curve's last refit. "
    return Section(
        title,
        [alert, table],
        note=f"{rival if found['paired'] else ''}A two-sided test at 5% (Cohen, 1988).",
    )


def _sentence(text: str) -> str:
    return f"{form.verbatim(text)}."
