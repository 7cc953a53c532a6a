"""The page: what has moved, what it does to the predictions, and whether they got worse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fivefold.metrics import METRICS
from fivefold.monitor.columns import ColumnDrift
from fivefold.monitor.pictures import MOST_FEATURES, distribution, heat, psi_bars
from fivefold.report import charts
from fivefold.report import format as form
from fivefold.report.page import (
    Alert,
    Block,
    Cell,
    Column,
    Fact,
    Facts,
    Page,
    Section,
    Table,
    Text,
)

if TYPE_CHECKING:
    from fivefold.monitor.comparison import Comparison
    from fivefold.monitor.monitor import MonitorConfig
    from fivefold.objective import Objective

__all__ = ["page"]

_SIGN: dict[str, Any] = {"ok": "good", "warn": "warn", "alarm": "bad"}
_WORST = 6


def page(found: Comparison, objective: Objective, config: MonitorConfig) -> Page:
    """Draw the comparison."""
    kicker = f"{objective.name} · monitor"
    if not found.rows["production"]:
        return Page(
            title="Monitoring",
            lead="There are no production rows yet, so there is nothing to compare.",
            kicker=kicker,
            sections=[
                Section(
                    "Production",
                    [
                        Alert(
                            "info",
                            "The production part of the split is empty. It fills as rows come "
                            "after the test part's end; see `split` in `conf/`.",
                        )
                    ],
                )
            ],
        )
    sections = [
        Section("In short", _summary(found, objective)),
        Section(
            "Features",
            _features(found, config),
            note="Production against the training part.",
        ),
        Section(
            "Prediction and label",
            _prediction(found),
            note="Production against the test part: on rows it was fitted to, a model is surer "
            "than it can be later.",
        ),
        Section("Metrics", _metrics(found, config)),
    ]
    if len(found.periods) > 1:
        sections.append(Section("Over time", _over_time(found, objective, config)))
    return Page(title="Monitoring", lead=_lead(found, objective), sections=sections, kicker=kicker)


def _lead(found: Comparison, objective: Objective) -> str:
    drifted = len(found.drifted)
    of = form.plural(len(found.columns), "feature")
    moved = f"{drifted} of {of} {'has' if drifted == 1 else 'have'} drifted"
    name = objective.primary_metric
    value, change = found.judged.metrics.get(name), found.judged.change.get(name)
    if value is None:
        return f"{moved}; too few labels have come to measure {objective.primary.title}."
    told = (
        f"{objective.primary.title} is {form.number(value)} on "
        f"{form.integer(found.judged.rows)} labelled rows"
    )
    if change is not None:
        told += f", {form.number(found.reference.metrics[name])} on the test part"
    return f"{moved}; {told}."


def _summary(found: Comparison, objective: Objective) -> list[Block]:
    judged, name = found.judged, objective.primary_metric
    interval = judged.interval.get(name)
    prediction = found.prediction
    blocks: list[Block] = [
        Facts(
            (
                Fact("production rows", found.rows["production"]),
                Fact("labelled", judged.rows),
                Fact(
                    "drifted features",
                    len(found.drifted),
                    note=f"of {len(found.columns)}",
                    status="bad" if found.drifted else "good",
                ),
                Fact(
                    "prediction's PSI",
                    prediction.psi if prediction else None,
                    status=_SIGN[prediction.status] if prediction else None,
                ),
                Fact(
                    objective.primary.title,
                    judged.metrics.get(name),
                    note=form.interval(interval["low"], interval["high"]) if interval else "",
                    status=_SIGN[judged.status] if judged.rows else None,
                ),
            )
        )
    ]
    if judged.reasons:
        blocks.append(
            Alert("bad" if judged.status == "alarm" else "warn", _sentence(judged.reasons))
        )
    if not judged.rows:
        blocks.append(Alert("info", "Too few rows have a label to judge the predictions."))
    return blocks


def _sentence(reasons: tuple[str, ...]) -> str:
    text = "; ".join(reasons)
    return f"{text[:1].upper()}{text[1:]}."


def _features(found: Comparison, config: MonitorConfig) -> list[Block]:
    shown = found.columns[:MOST_FEATURES]
    blocks: list[Block] = [
        psi_bars(shown, config),
        Table(
            [
                Column("feature", "code"),
                Column("PSI", "number"),
                Column("KS", "number"),
                Column("moved by", "number"),
                Column("Jensen-Shannon", "number"),
                Column("missing before", "percent"),
                Column("missing now", "percent"),
                Column("new categories", "percent"),
                "why",
            ],
            [
                (
                    column.name,
                    Cell(column.psi, _SIGN[column.status]),
                    column.kolmogorov_smirnov,
                    column.wasserstein,
                    column.jensen_shannon,
                    column.missing_reference,
                    column.missing_production,
                    column.new_share if column.kind == "string" else None,
                    _why(column),
                )
                for column in found.columns
            ],
            caption="Drift of every feature; how far values moved is in standard deviations of "
            "the training part.",
        ),
    ]
    blocks.extend(distribution(column, "training", "third") for column in shown[:_WORST])
    return blocks


def _why(column: ColumnDrift) -> str:
    why = "; ".join(column.reasons)
    if column.new_categories:
        why += f"{'; ' if why else ''}new: {', '.join(column.new_categories[:5])}"
    return why


def _prediction(found: Comparison) -> list[Block]:
    return [distribution(part, "test", "half") for part in (found.prediction, found.target) if part]


def _metrics(found: Comparison, config: MonitorConfig) -> list[Block]:
    if not found.judged.rows:
        return [
            Text(
                f"Fewer than {form.integer(config.min_rows)} production rows have a label; the "
                "metrics follow when more have come."
            )
        ]
    rows = []
    for name in found.reference.metrics:
        change = found.judged.change[name]
        apart = change is not None and not change["low"] <= 0 <= change["high"]
        worse = (
            apart
            and change is not None
            and (change["value"] < 0 if METRICS[name].goal == "maximize" else change["value"] > 0)
        )
        told = (
            form.MISSING
            if change is None
            else f"{form.change(change['value'])} "
            f"[{form.change(change['low'])}, {form.change(change['high'])}]"
        )
        rows.append(
            (
                METRICS[name].title,
                METRICS[name].goal,
                _with_interval(found.reference.metrics[name], found.reference.interval[name]),
                _with_interval(found.judged.metrics[name], found.judged.interval[name]),
                Cell(told, ("bad" if worse else "good") if apart else None),
            )
        )
    share = form.percent(config.confidence, 0)
    return [
        Table(
            ["metric", "goal", "test part", "production", "change"],
            rows,
            caption=f"With {share} bootstrap intervals; a change with a sign is more than noise.",
        )
    ]


def _with_interval(value: float | None, ends: dict[str, float] | None) -> str:
    return form.estimate(value, ends["low"], ends["high"]) if ends else form.number(value)


def _over_time(found: Comparison, objective: Objective, config: MonitorConfig) -> list[Block]:
    name, title = objective.primary_metric, objective.primary.title
    measured = [period for period in found.periods if period.judged.metrics.get(name) is not None]
    blocks: list[Block] = []
    if measured:
        lines = {}
        if found.reference.metrics.get(name) is not None:
            lines["test part"] = found.reference.metrics[name]
        if config.thresholds.acceptable is not None:
            lines["acceptable"] = config.thresholds.acceptable
        ends = [period.judged.interval[name] or {} for period in measured]
        blocks.append(
            charts.line(
                [period.start for period in measured],
                [period.judged.metrics[name] for period in measured],
                low=[item.get("low") for item in ends],
                high=[item.get("high") for item in ends],
                reference={key: value for key, value in lines.items() if value is not None},
                y_title=title,
                title=f"{title} per {found.period}",
                caption=f"With {form.percent(config.confidence, 0)} bootstrap intervals.",
            )
        )
    blocks.append(heat(found))
    blocks.append(
        Table(
            [
                found.period,
                Column("rows", "integer"),
                Column("labelled", "integer"),
                title,
                Column("prediction's PSI", "number"),
                "why",
            ],
            [
                (
                    period.start.isoformat(),
                    period.rows,
                    period.judged.rows,
                    Cell(
                        _with_interval(
                            period.judged.metrics.get(name), period.judged.interval.get(name)
                        ),
                        _SIGN[period.judged.status] if period.judged.rows else None,
                    ),
                    period.prediction_psi,
                    "; ".join(period.judged.reasons),
                )
                for period in found.periods
            ],
            caption=f"Periods of fewer than {form.integer(config.min_rows)} rows are not judged.",
        )
    )
    return blocks
