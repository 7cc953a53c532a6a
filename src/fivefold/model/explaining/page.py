"""The page of the explain stage: what the model heeds, and what it does when its input changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.model.explaining.monotonicity import violations
from fivefold.model.explaining.shaken_page import shaken_sections
from fivefold.objective import Objective
from fivefold.report import Alert, Block, Chart, Column, Fact, Facts, Page, Section, Table, charts
from fivefold.report import format as form

__all__ = ["explanation_page"]

# More bars than this in one picture, and the small ones are in the table only.
_MOST_FEATURES = 30
_MOST_CONTRIBUTIONS = 10


def explanation_page(report: Mapping[str, Any], objective: Objective) -> Page:
    """Draw what :func:`fivefold.model.explaining.findings.found` gave."""
    return Page(
        title="Explanation",
        lead=_lead(report, objective),
        kicker=f"{objective.name} · model",
        sections=[
            _limits(report),
            _importance(report, objective),
            *_dependence(report, objective),
            *_contributions(report),
            *shaken_sections(report, objective),
        ],
    )


def _lead(report: Mapping[str, Any], objective: Objective) -> str:
    features = report["importance"]["features"]
    top = [
        item["name"]
        for item in features
        if item["importance"] is None or (item["distinguishable"] and item["importance"] > 0)
    ][:3]
    heeds = f"The model heeds {_and(top)} most" if top else "No feature is heeded beyond chance"
    changes = [
        item
        for item in report["robustness"]["changes"]
        if item["feature"] is not None and item["flipped"] is not None
    ]
    worst = max(changes, key=lambda item: item["flipped"], default=None)
    tail = ""
    if worst and worst["flipped"] > 0:
        tail = (
            f"; changes of {worst['feature']} alone flip up to "
            f"{form.percent(worst['flipped'])} of the labels"
        )
    return f"{heeds}{tail}. Metric: {objective.primary.title}."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _limits(report: Mapping[str, Any]) -> Section:
    value = report["importance"]["value"]
    facts = Facts(
        [
            Fact("test rows", report["rows"]),
            Fact("features", len(report["importance"]["features"])),
            Fact("metric on the rows permuted", form.number(value)),
            Fact(
                "not distinguishable from zero",
                sum(item["distinguishable"] is False for item in report["importance"]["features"]),
            ),
        ]
    )
    wrong = set(violations(report["monotonicity"], form.verbatim))
    alerts: list[Block] = [
        Alert(
            "bad" if text in wrong else "warn",
            text,
        )
        for text in report["limits"]
    ]
    return Section(
        "In short", [facts, *(alerts or [Alert("good", "No limit was found that needs a word.")])]
    )


def _importance(report: Mapping[str, Any], objective: Objective) -> Section:
    found = report["importance"]
    undefined = found["value"] is None
    measure = "mean move of the prediction" if undefined else f"loss of {objective.primary.title}"
    shown = [*found["features"], *found["groups"]][:_MOST_FEATURES]
    blocks: list[Block] = [
        _importance_chart(found["features"][:_MOST_FEATURES], measure, undefined)
    ]
    if found["groups"]:
        title = "Permuted together"
        blocks.append(_importance_chart(found["groups"], measure, undefined, title))
    if shown:
        blocks.append(_importance_table([*found["features"], *found["groups"]], objective))
    share = form.percent(report["confidence"], 0)
    return Section(
        "What the model heeds",
        blocks,
        note=f"Permutation importance: how much worse {objective.primary.title} becomes on "
        f"{form.plural(found['rows'], 'row')} when a feature's values are shuffled, over "
        f"{form.plural(found['repeats'], 'repeat')}. The {share} intervals cover which rows were "
        "tested and how they were shuffled, one feature at a time, and not that another fit would "
        "be another model. Hollow: not distinguishable from zero.",
    )


def _importance_chart(
    items: list[dict[str, Any]], measure: str, undefined: bool, title: str = ""
) -> Chart:
    return charts.importances(
        [item["name"] for item in items],
        [item["moved"] if undefined else item["importance"] for item in items],
        [item["low"] for item in items],
        [item["high"] for item in items],
        x=measure,
        title=title,
    )


def _importance_table(items: list[dict[str, Any]], objective: Objective) -> Table:
    return Table(
        [
            Column("feature", "code"),
            Column(f"loss of {objective.primary.title}", "number"),
            Column("interval", "interval"),
            Column("prediction moves by", "number"),
            "distinguishable from zero",
        ],
        [
            (
                item["name"],
                item["importance"],
                form.MISSING if item["low"] is None else (item["low"], item["high"]),
                item["moved"],
                {True: "yes", False: "no", None: form.MISSING}[item["distinguishable"]],
            )
            for item in items
        ],
        caption="Permutation importance",
        sortable=True,
    )


def _dependence(report: Mapping[str, Any], objective: Objective) -> list[Section]:
    found = report["dependence"]
    blocks: list[Block] = [_curve(item, objective) for item in found["features"]]
    blocks += [_plane(item, objective) for item in found["pairs"]]
    if not blocks:
        return []
    return [
        Section(
            "The prediction along a feature",
            blocks,
            note=f"Partial dependence: the mean prediction of {form.plural(found['rows'], 'row')} "
            "when a feature is set to one value in all of them. Grey lines: single rows. Band: "
            "four rows in five. Bars: training rows near each value; where they are low the model "
            "extrapolates, and of features that go together some combinations never occur.",
        )
    ]


def _of(outputs: list[Any], objective: Objective) -> str:
    if not objective.is_classification:
        return str(outputs[-1])
    if len(outputs) > 1:
        return "score"
    return f"score of {objective.target} = {form.value(outputs[-1])}"


def _curve(item: Mapping[str, Any], objective: Objective) -> Chart:
    caption = []
    if item["missing"]:
        gone = item["missing"]
        caption.append(
            f"Missing in {form.plural(gone['rows'], 'training row')}: "
            f"{', '.join(form.number(value) for value in gone['mean'])}."
        )
    if item["beyond"]:
        caption.append(
            f"{form.plural(item['beyond'], 'training row')} of rarer categories not drawn."
        )
    several = len(item["outputs"]) > 1
    return charts.dependence(
        item["values"],
        item["rows"],
        item["mean"],
        lines=[form.value(output) for output in item["outputs"]] if several else (),
        low=item.get("low"),
        high=item.get("high"),
        curves=item.get("curves", ()) if item["kind"] == "number" else (),
        x=item["feature"],
        y=_of(item["outputs"], objective),
        title=item["feature"],
        caption=" ".join(caption),
    )


def _plane(item: Mapping[str, Any], objective: Objective) -> Chart:
    first, second = item["features"]
    return charts.plane(
        item["values"][0],
        item["values"][1],
        item["mean"],
        item["rows"],
        x=first,
        y=second,
        what=_of([item["output"]], objective),
        title=f"{first} and {second}",
        caption="The higher, the fuller. Crossed out: no training row is near.",
    )


def _contributions(report: Mapping[str, Any]) -> list[Section]:
    found = report["contributions"]
    if found is None:
        return []
    title = "Rows taken apart"
    if "install" in found:
        told = f"SHAP values of single rows need an extra: `{found['install']}`, then `dvc repro`."
        return [Section(title, [Alert("info", told)])]
    return [
        Section(
            title,
            [_row(item) for item in found["rows"]],
            note="SHAP values: what each feature added to the mean prediction of "
            f"{form.plural(found['background'], 'training row')}, averaged over "
            f"{form.plural(2 * found['permutations'], 'order')} in which features join; they add "
            "up to the prediction. They tell what this model does, and not what causes what.",
        )
    ]


def _row(item: Mapping[str, Any]) -> Chart:
    ranked = sorted(item["contributions"].items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    shown, rest = ranked[:_MOST_CONTRIBUTIONS], ranked[_MOST_CONTRIBUTIONS:]
    names = [f"{name} = {form.value(item['values'][name])}" for name, _ in shown]
    values = [value for _, value in shown]
    if rest:
        names.append(form.plural(len(rest), "other"))
        values.append(sum(value for _, value in rest))
    key = ", ".join(str(value) for value in item["key"].values())
    return charts.contributions(
        names,
        values,
        x="added to the prediction",
        title=f"{item['why']}: {key}",
        caption=f"Predicted {form.number(item['prediction'])} for {form.value(item['output'])}, "
        f"from a mean of {form.number(item['base'])}; truly {form.value(item['true'])}. "
        f"Each is off by {form.number(item['error'], 2)} at most, as one standard error.",
    )
