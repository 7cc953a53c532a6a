"""The page of the assess stage: how far groups are apart, and which limits break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fivefold.fairness import FAIRNESS, MEASURES
from fivefold.metrics import Metric
from fivefold.objective import Objective
from fivefold.report import Alert, Block, Cell, Chart, Column, Page, Section, Table, Text, charts
from fivefold.report import format as form

__all__ = ["assessment_page"]

# What is drawn per group, and over the attributes.
_DRAWN: Mapping[str, tuple[str, ...]] = {
    "binary": ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy_score"),
    "multiclass": ("accuracy_score",),
    "regression": ("mean_error", "mean_absolute_error"),
}
# Each is 1 less another rate.
_COUNTERPARTS = ("false_negative_rate", "true_negative_rate")
_COMPARED: Mapping[str, tuple[str, ...]] = {
    "binary": (
        "demographic_parity_difference",
        "equalized_odds_difference",
        "accuracy_score_difference",
        "calibration_gap_difference",
    ),
    "multiclass": (
        "demographic_parity_difference",
        "equalized_odds_difference",
        "accuracy_score_difference",
    ),
    "regression": ("mean_absolute_error_difference", "mean_error_difference"),
}


def assessment_page(report: Mapping[str, Any], objective: Objective) -> Page:
    """Draw what :func:`fivefold.model.assessment.assessed` gave."""
    kicker = f"{objective.name} · model"
    if not report["columns"]:
        return Page(
            title="Bias", lead="No column is compared.", kicker=kicker, sections=[_how_to()]
        )
    return Page(
        title="Bias",
        lead=_lead(report),
        kicker=kicker,
        sections=[
            _in_short(report),
            *(_attribute(name, item, report) for name, item in report["columns"].items()),
        ],
    )


def _how_to() -> Section:
    return Section(
        "What to declare",
        [
            Alert("info", "No column of the schema has the role `sensitive`."),
            Text(
                "Give it to what people must not be treated differently by, in "
                "`conf/schema.yaml`:\n\n"
                "```yaml\ncolumns:\n  sex: {dtype: string, role: sensitive}\n```\n\n"
                "It is then no feature, unless `feature: true` stands there too. Or name columns "
                "to compare by under `assess.columns`; and the limits under `plan.fairness`."
            ),
        ],
    )


def _lead(report: Mapping[str, Any]) -> str:
    limits = report["limits"]
    broken = [limit for limit in limits if limit["state"] == "broken"]
    if broken:
        worst = broken[0]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        return f"A limit of the plan is broken: {_named(worst)} {_told(worst)}{more}."
    name = _COMPARED[report["task"]][0]
    known = [
        (item["aggregates"][name]["value"], attribute, item["aggregates"][name])
        for attribute, item in report["columns"].items()
        if item["aggregates"].get(name, {}).get("value") is not None
    ]
    if not known:
        return "No two groups are large enough to be compared."
    _, attribute, found = max(known, key=lambda entry: entry[0])
    kept = f" {_kept_words(limits)}" if limits else " The plan sets no limits."
    return (
        f"Farthest apart by {attribute}: {FAIRNESS[name].title} {_told(found)} on "
        f"{form.plural(report['rows'], 'row')}.{kept}"
    )


def _kept_words(limits: list[dict[str, Any]]) -> str:
    undefined = sum(limit["state"] == "undefined" for limit in limits)
    if undefined:
        return f"{form.plural(undefined, 'limit')} can't be judged."
    return "The limit is kept." if len(limits) == 1 else f"All {len(limits)} limits are kept."


def _named(limit: Mapping[str, Any]) -> str:
    return f"{FAIRNESS[limit['metric']].title} by {limit['attribute']}"


def _told(found: Mapping[str, Any]) -> str:
    return str(form.estimate(found["value"], found["low"], found["high"]))


def _in_short(report: Mapping[str, Any]) -> Section:
    blocks: list[Block] = [*_limit_alerts(report)]
    if report["limits"]:
        blocks.append(_limit_table(report))
    blocks += _comparisons(report)
    share = form.percent(report["confidence"], 0)
    return Section(
        "In short",
        blocks,
        note=f"{share} intervals that hold for all pairs of groups together, from "
        f"{form.plural(report['resamples'], 'resample')} of the rows. Groups of fewer than "
        f"{form.plural(report['min_group_rows'], 'row')} are not compared.",
    )


def _limit_alerts(report: Mapping[str, Any]) -> Iterator[Alert]:
    for limit in report["limits"]:
        name = f"{FAIRNESS[limit['metric']].title} by {form.verbatim(limit['attribute'])}"
        asked = f"at {'most' if limit['end'] == 'max' else 'least'} {form.number(limit['limit'])}"
        if limit["state"] == "broken":
            doubt = "" if limit["decided"] else "; by so few rows it may as well be kept"
            yield Alert("bad", f"{name} is {_told(limit)}, not {asked}{doubt}.")
        elif limit["state"] == "undefined":
            yield Alert("bad", f"{name} can't be judged: fewer groups than it takes are large.")
        elif not limit["decided"]:
            yield Alert(
                "warn", f"{name} is {_told(limit)}, {asked}; so few rows don't prove that it is."
            )


def _limit_table(report: Mapping[str, Any]) -> Table:
    status = {"kept": "good", "broken": "bad", "undefined": "bad"}
    rows = []
    for limit in report["limits"]:
        word = limit["state"]
        if word != "undefined" and not limit["decided"]:
            word += ", not decided by so few rows"
        sign: Any = status[limit["state"]]
        if sign == "good" and not limit["decided"]:
            sign = "warn"
        rows.append(
            (
                limit["attribute"],
                FAIRNESS[limit["metric"]].title,
                f"at {'most' if limit['end'] == 'max' else 'least'} {form.number(limit['limit'])}",
                _told(limit),
                Cell(word, sign),
            )
        )
    return Table(
        ["groups by", "metric", "asked for", "value", "the limit is"],
        rows,
        caption="The plan's limits",
    )


def _comparisons(report: Mapping[str, Any]) -> Iterator[Chart]:
    """Draw what is worth a look over all attributes: the usual ones, and those that are limited."""
    limited = {limit["metric"] for limit in report["limits"]}
    usual = _COMPARED[report["task"]]
    for name in FAIRNESS:
        if name not in usual and name not in limited:
            continue
        found = {
            attribute: item["aggregates"][name]
            for attribute, item in report["columns"].items()
            if item["aggregates"].get(name, {}).get("value") is not None
        }
        if not found:
            continue
        asked = {
            limit["attribute"]: limit["limit"]
            for limit in report["limits"]
            if limit["metric"] == name
        }
        metric = FAIRNESS[name]
        yield charts.against_limits(
            list(found),
            [item["value"] for item in found.values()],
            [item["low"] for item in found.values()],
            [item["high"] for item in found.values()],
            [asked.get(attribute) for attribute in found],
            lower_is_better=metric.goal == "minimize",
            x=metric.title,
            y="groups by",
            best=metric.low if metric.goal == "minimize" else metric.high,
            title=_capital(metric.title),
            caption=f"{'Lower' if metric.goal == 'minimize' else 'Higher'} is better.",
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _attribute(name: str, item: Mapping[str, Any], report: Mapping[str, Any]) -> Section:
    large = [group for group in item["groups"] if not group["small"]]
    blocks: list[Block] = [*_group_alerts(item, large, report)]
    if len(large) > 1:
        blocks += _group_charts(name, large, report)
    blocks.append(_aggregate_table(name, item))
    blocks += _group_tables(name, item)
    cuts = "; ".join(
        f"{form.verbatim(column)} is cut at {', '.join(edges)}"
        for column, edges in item["edges"].items()
        if edges
    )
    return Section(f"By {name}", blocks, note=f"{cuts}." if cuts else None)


def _group_alerts(
    item: Mapping[str, Any], large: list[Any], report: Mapping[str, Any]
) -> Iterator[Alert]:
    small = len(item["groups"]) - len(large)
    if len(large) < 2:
        yield Alert(
            "warn",
            f"There is nothing to compare: {form.plural(len(large), 'group')} of at least "
            f"{form.plural(report['min_group_rows'], 'row')}.",
        )
    if small:
        yield Alert(
            "warn",
            f"{form.plural(small, 'group')} with fewer than "
            f"{form.plural(report['min_group_rows'], 'row')}: too small to judge, and in the last "
            "table only.",
        )
    if item["left_out"]["groups"]:
        yield Alert(
            "info",
            f"{form.plural(item['left_out']['groups'], 'smaller group')} with "
            f"{form.plural(item['left_out']['rows'], 'row')} in all are left out.",
        )
    for measure, groups in item["undefined"].items():
        names = ", ".join(form.verbatim(_group(group)) for group in groups[:5])
        more = f" and {len(groups) - 5} more" if len(groups) > 5 else ""
        of = "of a class at least" if report["task"] == "multiclass" else "in it"
        yield Alert(
            "warn",
            f"No {MEASURES[measure][4]} can be had of {names}{more}: {of} no row counts for it.",
        )


def _group(values: list[str | None]) -> str:
    return ", ".join("missing" if value is None else value for value in values)


def _group_charts(
    name: str, large: list[Mapping[str, Any]], report: Mapping[str, Any]
) -> Iterator[Chart]:
    for measure in _DRAWN[report["task"]]:
        known = [
            (group, group["measures"][measure][0])
            for group in large
            if group["measures"][measure][0]["value"] is not None
        ]
        title = MEASURES[measure][4]
        yield charts.intervals(
            [_group(group["group"]) for group, _ in known],
            [entry["value"] for _, entry in known],
            [entry["low"] for _, entry in known],
            [entry["high"] for _, entry in known],
            overall=report["overall"][measure][0],
            counts=[group["rows"] for group, _ in known],
            x=title,
            y="group",
            # One order in all the pictures, so that a group is found again.
            sort=False,
            title=f"{_capital(title)} by {name}",
        )


def _aggregate_table(name: str, item: Mapping[str, Any]) -> Table:
    rows = [
        (
            metric.title,
            _told(found),
            "lower" if metric.goal == "minimize" else "higher",
            found["groups"],
            found["all_groups"],
        )
        for metric, found in ((FAIRNESS[key], found) for key, found in item["aggregates"].items())
        if _worth_a_row(metric)
    ]
    return Table(
        [
            "metric",
            "value",
            "better is",
            Column("groups", "integer"),
            Column("small groups too", "number"),
        ],
        rows,
        caption=f"How far the groups by {name} are apart",
    )


def _worth_a_row(metric: Metric) -> bool:
    # What an error rate says, its counterpart says the other way round; of the groups the worst
    # is shown; and parity and opportunity are the differences of two rates.
    name, best = metric.name, "min" if metric.goal == "minimize" else "max"
    named = ("selection_rate_", "true_positive_rate_difference", "true_positive_rate_ratio")
    return not name.startswith((*_COUNTERPARTS, *named)) and not name.endswith(f"_group_{best}")


def _group_tables(name: str, item: Mapping[str, Any]) -> Iterator[Table]:
    """Give a table of the groups; of many classes one per class, and one for all of them."""
    measures = item["groups"][0]["measures"] if item["groups"] else {}
    classes = list(
        dict.fromkeys(entry["class"] for entries in measures.values() for entry in entries)
    )
    for cls in classes:
        places = {
            measure: index
            for measure, entries in measures.items()
            for index, entry in enumerate(entries)
            if entry["class"] == cls and measure not in _COUNTERPARTS
        }
        of = "" if cls is None else f", class {form.value(cls)} against the rest"
        yield Table(
            [name, Column("rows", "integer"), *(MEASURES[measure][4] for measure in places)],
            [
                (
                    Cell(_group(group["group"]), "warn")
                    if group["small"]
                    else _group(group["group"]),
                    group["rows"],
                    *(
                        _told(group["measures"][measure][index])
                        for measure, index in places.items()
                    ),
                )
                for group in item["groups"]
            ],
            caption=f"Groups by {name}{of}, with intervals",
            sortable=True,
        )
