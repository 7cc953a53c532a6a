"""The model card: what the model is, what it was fitted on, how well it does, where it does not.

The sections are those of M. Mitchell et al., "Model Cards for Model Reporting", *FAccT* (2019), in
the order of the hub's template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fivefold.metrics import METRICS
from fivefold.model.assessment import HEADLINES
from fivefold.model.cards.limits import limits
from fivefold.model.cards.metadata import front_matter, model_metadata
from fivefold.objective import Objective
from fivefold.report import Block, Column, Page, Section, Table, Text, render_markdown
from fivefold.report import format as form
from fivefold.table import TableSchema

if TYPE_CHECKING:
    from fivefold.model.document import DocumentConfig

__all__ = ["Findings", "model_card"]

_TASKS = {
    "binary": "one of two classes",
    "multiclass": "one of several classes",
    "regression": "a number",
}
_MOST = 10


@dataclass(frozen=True)
class Findings:
    """What the other stages found, as their reports tell it."""

    charter: Mapping[str, Any]
    split: Mapping[str, Any]
    schema: TableSchema
    objective: Objective
    fitted: Mapping[str, Any]
    metrics: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    diagnosis: Mapping[str, Any]
    assessment: Mapping[str, Any]
    explanation: Mapping[str, Any]


def model_card(found: Findings, config: DocumentConfig) -> str:
    """Write the model card.

    Returns
    -------
    str
        Markdown, with the hub's metadata above it.
    """
    page = Page(
        title=f"Model card: {found.objective.name}",
        lead=f"Predicts {found.objective.target}, {_TASKS[found.objective.task]}.",
        sections=[
            *_details(found),
            _uses(found, config),
            Section("Bias, risks and limits", [_lines(limits(found))]),
            _start(found),
            _training(found),
            _performance(found),
            *_slices(found),
            *_groups(found),
            *_fairness(found),
            *_explanation(found),
            _lineage(found),
            *_contact(found, config),
        ],
    )
    return front_matter(model_metadata(found, config)) + render_markdown(page)


def _lines(lines: Iterable[str]) -> Text:
    return Text("\n".join(f"- {line}" for line in lines))


def _details(found: Findings) -> list[Section]:
    fitted = found.fitted
    estimator = form.verbatim(fitted["estimator"])
    first = (
        f"{estimator} behind the preprocessing that the schema asks for (medians for missing "
        f"numbers, a column per category), judged by {found.objective.primary.title}."
    )
    told = [first]
    if fitted.get("tuned"):
        told.append("Its arguments were tuned by cross-validation on the training part.")
    calibration = fitted.get("calibration")
    if calibration:
        told.append(
            f"Its probabilities are calibrated ({calibration['method']}) on "
            f"{form.plural(calibration['rows'], 'training row')} that were held out of the fit."
        )
    params = Table(
        [Column("parameter", "code"), Column("value", "code")],
        [(key, "null" if v is None else str(v)) for key, v in fitted["params"].items()],
        caption="Parameters",
    )
    return [Section("Model details", [Text(" ".join(told)), params])]


def _uses(found: Findings, config: DocumentConfig) -> Section:
    charter = found.charter
    told = (charter.get("problem"), charter.get("objective"))
    blocks: list[Block] = [Text(str(text)) for text in told if text]
    if charter.get("stakeholders"):
        blocks.append(Text("For: " + ", ".join(map(str, charter["stakeholders"])) + "."))
    outside = [
        *config.out_of_scope,
        "Rows unlike those it was fitted on: the monitor tells when production has become so.",
    ]
    blocks += [Text("Out of scope:"), _lines(outside)]
    return Section("Uses", blocks)


def _start(found: Findings) -> Section:
    task = "classes" if found.objective.is_classification else "values"
    return Section(
        "How to get started",
        [
            Text(
                "The ONNX file needs no Python of ours; a number or a text per feature goes in, "
                f"and {task} come out:"
            ),
            Text(
                "```python\n"
                "import onnxruntime\n\n"
                'session = onnxruntime.InferenceSession("models/model.onnx")\n'
                "session.run(None, {name: column for name, column in features.items()})\n"
                "```"
            ),
            Text("The pipeline itself, whose types are listed in reports/train.json:"),
            Text(
                "```python\n"
                "from fivefold.estimator import read_estimator\n\n"
                'pipeline = read_estimator(Path("models/model.skops"))\n'
                "```"
            ),
        ],
    )


def _training(found: Findings) -> Section:
    fitted = found.fitted
    rows = [
        (name, column.dtype, column.unit, column.description)
        for name, column in found.schema.columns.items()
        if name in found.schema.features
    ]
    told = (
        f"Fitted on {form.plural(found.evaluation['fitted_rows'], 'row')}, judged on "
        f"{form.plural(found.metrics['rows'], 'other row')}, cut by {found.split.get('method')}. "
        "The data card tells where they come from."
    )
    held = fitted.get("validation")
    if held:
        told += f" {form.plural(held['rows'], 'training row')} were held out for validation."
    return Section(
        "Training",
        [
            Text(told),
            Table([Column("feature", "code"), "type", "unit", "meaning"], rows, caption="Features"),
        ],
    )


def _performance(found: Findings) -> Section:
    metrics, plan = found.metrics, found.charter
    rows = []
    for name in found.objective.metrics:
        interval = metrics["interval"].get(name)
        told = form.interval(interval["low"], interval["high"]) if interval else form.MISSING
        arrow = "higher" if METRICS[name].goal == "maximize" else "lower"
        rows.append((METRICS[name].title, metrics[name], told, metrics["baseline"][name], arrow))
    share = form.percent(found.evaluation["confidence"], 0)
    blocks: list[Block] = [
        Table(
            [
                "metric",
                Column("value", "number"),
                f"{share} interval",
                Column("baseline", "number"),
                "better is",
            ],
            rows,
            caption="On the test part; the baseline knows the target's distribution only",
        )
    ]
    marks = {k: v for k, v in (plan.get("thresholds") or {}).items() if v is not None}
    if marks:
        told = ", ".join(f"{name} from {form.number(mark)}" for name, mark in marks.items())
        blocks.append(Text(f"The plan's marks of {found.objective.primary.title}: {told}."))
    return Section("Evaluation", blocks)


def _slices(found: Findings) -> list[Section]:
    slices = found.diagnosis.get("slices")
    if not slices:
        return []
    rows = [
        (item["slice"], item["rows"], item["mean_loss"], item["rest_loss"])
        for item in slices[:_MOST]
    ]
    return [
        Section(
            "Where it errs most",
            [
                Table(
                    [
                        "rows where",
                        Column("rows", "integer"),
                        Column("mean loss", "number"),
                        Column("elsewhere", "number"),
                    ],
                    rows,
                    caption="Slices with more loss than the rest, confirmed on rows apart",
                )
            ],
        )
    ]


def _groups(found: Findings) -> list[Section]:
    """Tell the best and the worst group of each column that are large enough to judge."""
    metric = found.objective.primary
    rows = []
    for column, groups in found.evaluation["groups"].items():
        judged = [
            item for item in groups["groups"] if not item["small"] and item[metric.name] is not None
        ]
        judged.sort(key=lambda item: item[metric.name], reverse=metric.goal == "maximize")
        small = sum(item["small"] for item in groups["groups"])
        ends = [_told(judged[at], metric.name) for at in (0, -1)] if judged else [form.MISSING] * 2
        rows.append((column, len(judged), *ends, small))
    if not rows:
        return []
    table = Table(
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
    return [Section("Groups", [table])]


def _told(item: Mapping[str, Any], name: str) -> str:
    interval = item["interval"][name]
    group = "missing" if item["group"] is None else form.value(item["group"])
    if interval is None:
        return f"{group}: {form.number(item[name])}"
    return f"{group}: {form.estimate(item[name], interval['low'], interval['high'])}"


def _fairness(found: Findings) -> list[Section]:
    rows = list(_disparities(found.assessment))
    if not rows:
        return []
    table = Table(
        [Column("column", "code"), "metric", Column("value", "number"), "interval"],
        rows,
        caption="Between the groups of sensitive columns",
    )
    return [Section("Fairness", [table])]


def _disparities(assessment: Mapping[str, Any]) -> Iterable[Sequence[object]]:
    for column, item in (assessment.get("columns") or {}).items():
        for name, value in (item.get("aggregates") or {}).items():
            if name not in HEADLINES[assessment["task"]]:
                continue
            given = value if isinstance(value, Mapping) else {"value": value}
            if given.get("value") is None:
                continue
            low, high = given.get("low"), given.get("high")
            told = form.MISSING if low is None or high is None else form.interval(low, high)
            yield column, name, given["value"], told


def _explanation(found: Findings) -> list[Section]:
    importance = found.explanation.get("importance")
    items = importance.get("features") if isinstance(importance, Mapping) else importance
    if not isinstance(items, list) or not items:
        return []
    rows = []
    for item in items[:_MOST]:
        low, high = item.get("low"), item.get("high")
        told = form.MISSING if low is None or high is None else form.interval(low, high)
        rows.append((item.get("feature", item.get("name")), item.get("importance"), told))
    return [
        Section(
            "What it heeds",
            [
                Table(
                    [Column("feature", "code"), Column("importance", "number"), "interval"],
                    rows,
                    caption=f"What {found.objective.primary.title} loses where a feature is "
                    "shuffled",
                )
            ],
        )
    ]


def _lineage(found: Findings) -> Section:
    fitted = found.fitted
    known = [
        ("training data, sha256", fitted.get("data_sha256")),
        ("test part", found.split.get("test_content")),
        ("code of the fit", fitted.get("code")),
        *((name, version) for name, version in (fitted.get("environment") or {}).items()),
    ]
    return Section(
        "Lineage",
        [
            Table(
                ["of", Column("version", "code")],
                [(name, value) for name, value in known if value],
                caption="What the model was made of; dvc.lock has the hash of every file",
            ),
            Text(
                "What it cost to make is measured and varies from run to run: "
                "`fivefold card model` adds it."
            ),
        ],
    )


def _contact(found: Findings, config: DocumentConfig) -> list[Section]:
    roles = found.charter.get("roles") or {}
    lines = [
        f"{role}: {item['name']}" + (f" ({item['handle']})" if item.get("handle") else "")
        for role, item in roles.items()
        if isinstance(item, Mapping) and item.get("name")
    ]
    blocks: list[Block] = [_lines(lines)] if lines else []
    if config.citation:
        blocks += [Text("Cite as:"), Text(config.citation)]
    return [Section("Contact", blocks)] if blocks else []
