"""The page of the evaluate stage: how well the model does, how it errs, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fivefold.model.evaluation_groups import group_sections
from fivefold.model.evaluation_limits import cutoff_sections, power_section, refit_sections
from fivefold.objective import Objective
from fivefold.report import Alert, Chart, Column, Fact, Facts, Page, Section, Table, charts
from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.model.evaluate import EvaluateConfig

__all__ = ["evaluation_page"]

# More curves than this in one picture can't be told apart.
_MOST_CURVES = 8


def evaluation_page(
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
    objective: Objective,
    config: EvaluateConfig,
) -> Page:
    """Draw what :func:`fivefold.model.evaluation.judged` gave."""
    primary = objective.primary
    interval = metrics["interval"][primary.name] or {"low": None, "high": None}
    value, baseline = metrics[primary.name], metrics["baseline"][primary.name]
    return Page(
        title="Evaluation",
        lead=f"{primary.title} {form.estimate(value, interval['low'], interval['high'])} on "
        f"{form.plural(metrics['rows'], 'row')} that the model never saw; "
        f"{form.number(baseline)} without looking at any feature.",
        kicker=f"{objective.name} · model",
        sections=[
            _in_short(metrics, report, config),
            power_section(report, objective),
            _errors(report, objective, metrics),
            *cutoff_sections(report),
            *group_sections(metrics, report, objective, config),
            *refit_sections(report, objective),
        ],
    )


def _in_short(
    metrics: Mapping[str, Any],
    report: Mapping[str, Any],
    config: EvaluateConfig,
) -> Section:
    facts = [Fact("rows", metrics["rows"])]
    rows = []
    for name, metric in report["metrics"].items():
        interval = metrics["interval"][name]
        told = form.interval(interval["low"], interval["high"]) if interval else form.MISSING
        facts.append(Fact(metric["title"], metrics[name], note=told))
        rows.append(
            (
                metric["title"],
                "undefined" if metrics[name] is None else metrics[name],
                told,
                metrics["baseline"][name],
                "higher" if metric["goal"] == "maximize" else "lower",
            )
        )
    share = form.percent(config.confidence, 0)
    table = Table(
        [
            "metric",
            Column("value", "number"),
            f"{share} interval",
            Column("baseline", "number"),
            "better is",
        ],
        rows,
        caption="Metrics on the test part",
    )
    return Section(
        "In short",
        [Facts(facts[:5]), *_unseen(report["unseen"]), table],
        note=f"Percentile bootstrap over {form.plural(config.resamples, 'resample')}, "
        f"{_drawn(report['bootstrap'])}; "
        "the baseline predicts the training part's shares or mean.",
    )


def _drawn(told: Mapping[str, Any]) -> str:
    """Say how resamples were drawn, and why so."""
    by = " and ".join(form.verbatim(name) for name in told["columns"])
    how = {
        "rows": "each row drawn by itself",
        "stratified": f"rows drawn within each {'value of ' + by if by else 'class'}",
        "group": f"the {form.integer(told['units'])} groups of {by} drawn whole",
        "time": f"blocks of {form.plural(told['block'] or 1, 'moment')} drawn from the "
        f"{form.integer(told['units'])} of {by}",
    }[told["method"]]
    return f"{how}: {told['why']}"


def _unseen(unseen: Mapping[str, Any]) -> list[Alert]:
    said = {
        "in_training": "The model never saw: {}. It can't predict it, and metrics of scores are "
        "undefined.",
        "in_test": "The test part has none of: {}. How well it is predicted is not known.",
    }
    alerts = []
    for key, text in said.items():
        if unseen[key]:
            names = ", ".join(
                f"{form.verbatim(form.value(item['class']))} ({form.plural(item['rows'], 'row')})"
                for item in unseen[key]
            )
            alerts.append(Alert("warn", text.format(names)))
    return alerts


def _errors(report: Mapping[str, Any], objective: Objective, metrics: Mapping[str, Any]) -> Section:
    if "residuals" in report:
        return Section("Errors", _residual_charts(report["residuals"]))
    confusion = report["confusion"]
    blocks: list[Any] = [charts.confusion_matrix(confusion["classes"], confusion["matrix"])]
    curves = [item for item in report.get("curves", []) if item["roc"]]
    if curves:
        blocks += _curve_charts(curves[:_MOST_CURVES], objective, metrics)
    if report.get("calibration"):
        bins = report["calibration"]
        columns = {
            key: [item[key] for item in bins]
            for key in ("predicted", "observed", "low", "high", "rows")
        }
        blocks.append(
            charts.calibration_curve(
                columns["predicted"],
                columns["observed"],
                low=columns["low"],
                high=columns["high"],
                counts=columns["rows"],
            )
        )
    note = None
    if objective.task == "binary":
        positive = form.verbatim(form.value(confusion["classes"][-1]))
        note = (
            f"The positive class is {positive}, predicted from a "
            f"score of {form.number(report['threshold'])} on."
        )
    return Section("Errors", blocks, note=note)


def _curve_charts(
    curves: list[dict[str, Any]], objective: Objective, metrics: Mapping[str, Any]
) -> list[Chart]:
    roc: dict[str, Any] = {}
    precision_recall: dict[str, Any] = {}
    for item in curves:
        name = form.value(item["class"])
        ends = item["roc"]
        roc[name] = (ends["false_positive_rate"], ends["true_positive_rate"])
        ends = item["precision_recall"]
        precision_recall[name] = (ends["recall"], ends["precision"])
    if objective.task != "binary":
        return [charts.roc_curve(roc), charts.precision_recall_curve(precision_recall)]
    return [
        charts.roc_curve(next(iter(roc.values())), auc=metrics.get("roc_auc")),
        charts.precision_recall_curve(
            next(iter(precision_recall.values())),
            average_precision=metrics.get("average_precision"),
            prevalence=curves[0]["prevalence"],
        ),
    ]


def _residual_charts(found: Mapping[str, Any]) -> list[Chart]:
    predicted, observed = found["sample"]["predicted"], found["sample"]["observed"]
    spread = found["histogram"]
    return [
        _observed_chart(predicted, observed),
        charts.residuals(predicted, [o - p for o, p in zip(observed, predicted, strict=True)]),
        charts.histogram(
            spread["edges"],
            spread["counts"],
            x="observed minus predicted",
            title="Spread of errors",
        ),
    ]


def _observed_chart(predicted: list[float], observed: list[float]) -> Chart:
    ends = [min(*predicted, *observed), max(*predicted, *observed)]
    scale = {"domain": ends, "nice": True, "zero": False}
    return Chart(
        {
            "layer": [
                {
                    "data": {"values": [{"x": end, "y": end} for end in ends]},
                    "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.6},
                    "encoding": {
                        "x": {"field": "x", "type": "quantitative", "scale": scale},
                        "y": {"field": "y", "type": "quantitative", "scale": scale},
                    },
                },
                {
                    "data": {
                        "values": [
                            {"predicted": p, "observed": o}
                            for p, o in zip(predicted, observed, strict=True)
                        ]
                    },
                    "mark": {"type": "point", "filled": True, "opacity": 0.5, "size": 20},
                    "encoding": {
                        name: {
                            "field": field,
                            "type": "quantitative",
                            "scale": scale,
                            "title": field,
                        }
                        for name, field in (("x", "predicted"), ("y", "observed"))
                    },
                },
            ],
            "width": "container",
            "height": 260,
        },
        title="Observed over predicted",
        caption=f"{form.plural(len(predicted), 'row')}, evenly spaced by rank of the prediction; "
        "on the dashed line the two are equal.",
        width="half",
    )
