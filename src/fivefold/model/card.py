"""The model card: what the model is, what it was fitted on, how well it does, where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.metrics import METRICS
from fivefold.objective import Objective
from fivefold.report import Column, Page, Section, Table, Text, render_markdown
from fivefold.report import format as form
from fivefold.table import TableSchema

__all__ = ["model_card"]

_TASKS = {
    "binary": "one of two classes",
    "multiclass": "one of several classes",
    "regression": "a number",
}


def model_card(
    fitted: Mapping[str, Any],
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
    schema: TableSchema,
    objective: Objective,
) -> str:
    """Write the model card of Mitchell et al., *Model Cards for Model Reporting* (2019), in short.

    Returns
    -------
    str
        Markdown.
    """
    return render_markdown(
        Page(
            title=f"Model card: {objective.name}",
            lead=f"Predicts {objective.target}, {_TASKS[objective.task]}.",
            sections=[
                _model(fitted, objective),
                _data(metrics, report, schema),
                _performance(metrics, report, objective),
                *_groups(report, objective),
                _limits(report, schema, objective),
            ],
        )
    )


def _model(fitted: Mapping[str, Any], objective: Objective) -> Section:
    return Section(
        "Model",
        [
            Text(
                f"{form.verbatim(fitted['estimator'])} behind the preprocessing that the schema asks "
                f"for (medians for missing numbers, a column per category). Chosen for its "
                f"{objective.primary.title}."
            ),
            Table(
                [Column("parameter", "code"), Column("value", "code")],
                [
                    (key, "null" if value is None else str(value))
                    for key, value in fitted["params"].items()
                ],
                caption="Parameters",
            ),
        ],
    )


def _data(metrics: Mapping[str, Any], report: Mapping[str, Any], schema: TableSchema) -> Section:
    rows = []
    for name in schema.features:
        column = schema.columns[name]
        rows.append((name, column.dtype, column.unit, column.description))
    return Section(
        "Data",
        [
            Text(
                f"Fitted on {form.plural(report['fitted_rows'], 'row')}, judged on "
                f"{form.plural(metrics['rows'], 'other row')}."
            ),
            Table([Column("feature", "code"), "type", "unit", "meaning"], rows, caption="Features"),
        ],
    )


def _performance(
    metrics: Mapping[str, Any], report: Mapping[str, Any], objective: Objective
) -> Section:
    rows = []
    for name in objective.metrics:
        interval = metrics["interval"][name]
        told = form.interval(interval["low"], interval["high"]) if interval else form.MISSING
        rows.append((METRICS[name].title, metrics[name], told, metrics["baseline"][name]))
    return Section(
        "Performance",
        [
            Table(
                [
                    "metric",
                    Column("value", "number"),
                    f"{form.percent(report['confidence'], 0)} interval",
                    Column("baseline", "number"),
                ],
                rows,
                caption="On the test part",
            )
        ],
    )


def _groups(report: Mapping[str, Any], objective: Objective) -> list[Section]:
    """Tell the best and the worst group of each column that are large enough to judge."""
    metric = objective.primary
    rows = []
    for column, found in report["groups"].items():
        judged = [
            item for item in found["groups"] if not item["small"] and item[metric.name] is not None
        ]
        judged.sort(key=lambda item: item[metric.name], reverse=metric.goal == "maximize")
        small = sum(item["small"] for item in found["groups"])
        best, worst = (
            (_told(judged[0], metric.name), _told(judged[-1], metric.name))
            if judged
            else (
                form.MISSING,
                form.MISSING,
            )
        )
        rows.append((column, len(judged), best, worst, small))
    if not rows:
        return []
    return [
        Section(
            "Groups",
            [
                Table(
                    [
                        Column("column", "code"),
                        Column("groups judged", "integer"),
                        f"best {metric.title}",
                        f"worst {metric.title}",
                        Column("too small to judge", "integer"),
                    ],
                    rows,
                    caption="Spread between groups",
                )
            ],
        )
    ]


def _told(item: Mapping[str, Any], name: str) -> str:
    interval = item["interval"][name]
    group = "missing" if item["group"] is None else form.value(item["group"])
    if interval is None:
        return f"{group}: {form.number(item[name])}"
    return f"{group}: {form.estimate(item[name], interval['low'], interval['high'])}"


def _limits(report: Mapping[str, Any], schema: TableSchema, objective: Objective) -> Section:
    lines = [
        "Categories not seen in training count as none of the known ones.",
        "Missing numbers are taken for the median of the training rows.",
    ]
    if objective.task == "binary":
        positive = form.verbatim(form.value(report["confusion"]["classes"][-1]))
        lines.append(
            f"The class {positive} is predicted from a "
            f"score of {form.number(report['threshold'])} on; no cost of errors was weighed."
        )
    if schema.with_role("time"):
        lines.append("What holds in the test part's time need not hold later: see the monitor.")
    if not report["groups"]:
        lines.append("No column has the role group or sensitive: bias was not judged.")
    sensitive = [n for n in schema.with_role("sensitive") if schema.columns[n].feature]
    lines += [
        f"The sensitive column {form.verbatim(name)} is also a feature." for name in sensitive
    ]
    return Section("Limits", [Text("\n".join(f"- {line}" for line in lines))])
