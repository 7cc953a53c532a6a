"""The page of the tune stage: the study's course and what its arguments did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from fivefold.model.tuning.search import Searched
from fivefold.model.tuning.space import Dimension
from fivefold.objective import Objective
from fivefold.report import Alert, Cell, Column, Page, Section, Table, charts
from fivefold.report import format as form

__all__ = ["tuning_page"]

_ENDED = {
    "trials": "all trials of the budget were made",
    "seconds": "the budget of time was used",
    "cost": "the budget of money was used",
    "plateau": "no trial had brought an improvement for as long as was declared",
    "space": "every point of the space was tried",
}
_SHOWN = 20
_MOST_SLICES = 9


def tuning_page(found: Searched, tuning: Mapping[str, Any], objective: Objective) -> Page:
    """Draw what a study found."""
    measure = found.question.measures[0]
    complete = [trial for trial in found.trials if trial.state == TrialState.COMPLETE]
    value = tuning["objectives"][0]["value"]
    return Page(
        title="Tuning",
        lead=f"{tuning['model']} with a mean {measure.title} of {form.number(value)} over "
        f"{tuning['folds']} folds, the best of {form.plural(len(found.trials), 'trial')}.",
        kicker=f"{objective.name} · model",
        sections=[
            _study(found, tuning, complete),
            *_front(found, tuning, complete),
            _arguments(found, tuning, complete),
            _trials(found, tuning, complete),
        ],
    )


def _study(found: Searched, tuning: Mapping[str, Any], complete: Sequence[FrozenTrial]) -> Section:
    measure = found.question.measures[0]
    numbers = _numbers(found)
    alerts = [
        Alert("warn", f"Trial {item['trial']} failed: {form.verbatim(str(item['cause']))}")
        for item in tuning["failures"][:5]
    ]
    left = len(tuning["failures"]) - len(alerts)
    if left > 0:
        alerts.append(
            Alert("warn", f"{form.plural(left, 'more trial')} failed: reports/trials.csv")
        )
    states = tuning["states"]
    picture = charts.search_history(
        [numbers[trial.number] for trial in complete],
        [trial.values[0] for trial in complete],
        y=f"mean {measure.title}",
        maximize=measure.goal == "maximize",
        caption="A point per trial; the line is the best so far",
    )
    sampler = tuning["sampler"].rpartition(".")[2]
    start = (
        "The first trial has the arguments that are declared."
        if found.question.start is not None
        else "The arguments that are declared lie outside the space and were not tried."
    )
    return Section(
        "Study",
        [*alerts, picture],
        note=f"{form.plural(states['complete'], 'trial')} complete, {states['pruned']} pruned, "
        f"{states['failed']} failed, asked of {form.verbatim(sampler)} and cross-validated on "
        f"{form.plural(tuning['rows'], 'training row')}. {start} It ended because "
        f"{_ENDED[tuning['ended']]}.",
    )


def _front(
    found: Searched, tuning: Mapping[str, Any], complete: Sequence[FrozenTrial]
) -> list[Section]:
    measures = found.question.measures
    if len(measures) < 2:
        return []
    numbers = _numbers(found)
    front = set(tuning["front"])
    first, second = measures[:2]
    picture = charts.front(
        [trial.values[0] for trial in complete],
        [trial.values[1] for trial in complete],
        [numbers[trial.number] in front for trial in complete],
        x=second.title,
        y=first.title,
        chosen=next(
            i for i, trial in enumerate(complete) if numbers[trial.number] == tuning["trial"]
        ),
    )
    rows = [
        (numbers[trial.number], *trial.values)
        for trial in complete
        if numbers[trial.number] in front
    ]
    rows.sort(key=lambda row: -row[1] if first.goal == "maximize" else row[1])
    table = Table(
        [Column("trial", "integer"), *(Column(item.title, "number") for item in measures)],
        rows[:_SHOWN],
        caption="Trials that no other beats in every objective",
    )
    return [Section("What could not be had together", [picture, table])]


def _arguments(
    found: Searched, tuning: Mapping[str, Any], complete: Sequence[FrozenTrial]
) -> Section:
    measure = found.question.measures[0]
    parts: list[Any] = []
    if tuning["importance"]:
        parts.append(
            charts.bar(
                list(tuning["importance"]),
                list(tuning["importance"].values()),
                x="share of the importance",
                kind="percent",
                caption="By PED-ANOVA, of what the better trials had in common",
            )
        )
    if len(complete) > 1:
        parts.append(_lines(found, complete))
    order = list(tuning["importance"] or {})
    shown = sorted(
        found.question.space.dimensions,
        key=lambda item: order.index(item.name) if item.name in order else len(order),
    )
    for item in shown[:_MOST_SLICES]:
        having = [trial for trial in complete if item.name in trial.params]
        if having:
            parts.append(
                charts.slices(
                    item.name,
                    [item.value(trial.params[item.name]) for trial in having],
                    [trial.values[0] for trial in having],
                    y=measure.title,
                    log=item.log,
                )
            )
    return Section("Arguments", parts)


def _lines(found: Searched, complete: Sequence[FrozenTrial]) -> Any:
    measure = found.question.measures[0]
    axes: dict[str, list[float | None]] = {}
    labels: dict[str, list[str]] = {}
    for item in found.question.space.dimensions:
        given = [
            item.value(trial.params[item.name]) if item.name in trial.params else None
            for trial in complete
        ]
        had = [item.name in trial.params for trial in complete]
        axes[item.name] = [
            _place(item, value) if has else None for value, has in zip(given, had, strict=True)
        ]
        labels[item.name] = [form.value(value) for value in given]
    return charts.parallel(
        axes,
        labels,
        [trial.values[0] for trial in complete],
        y=measure.title,
        maximize=measure.goal == "maximize",
        caption="A line per trial, from the lowest to the highest value of each argument",
    )


def _place(item: Dimension, value: Any) -> float:
    """Give where a value lies on the axis of its argument, from 0 to 1."""
    if item.choices is not None:
        return item.choices.index(value) / (len(item.choices) - 1)
    assert item.low is not None  # noqa: S101 - a range
    assert item.high is not None  # noqa: S101 - a range
    if item.log:
        return math.log(value / item.low) / math.log(item.high / item.low)
    return float((value - item.low) / (item.high - item.low))


def _trials(found: Searched, tuning: Mapping[str, Any], complete: Sequence[FrozenTrial]) -> Section:
    measures = found.question.measures
    numbers = _numbers(found)
    names = [item.name for item in found.question.space.dimensions]
    sign = -1 if measures[0].goal == "maximize" else 1
    best = sorted(complete, key=lambda trial: sign * trial.values[0])[:_SHOWN]
    rows: list[tuple[object, ...]] = []
    for trial in best:
        number = numbers[trial.number]
        params = found.question.space.read(trial.params)
        rows.append(
            (
                Cell(number, "good") if number == tuning["trial"] else number,
                *trial.values,
                *(form.value(params[name]) if name in params else form.MISSING for name in names),
            )
        )
    table = Table(
        [
            Column("trial", "integer"),
            *(Column(item.title, "number") for item in measures),
            *(Column(name, "code") for name in names),
        ],
        rows,
        caption=f"The best {len(rows)}; all are in reports/trials.csv, by fold",
    )
    return Section("Trials", [table])


def _numbers(found: Searched) -> dict[int, int]:
    return {trial.number: number for number, trial in enumerate(found.trials)}
