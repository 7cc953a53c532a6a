"""What a study found: the trial that is taken, the front, the importances, the table of trials."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from fivefold.model.crossvalidation import with_params
from fivefold.model.tune import Tuned
from fivefold.model.tuning.page import tuning_page
from fivefold.model.tuning.search import Searched
from fivefold.model.tuning.study import CAUSE, COSTS, SCORES, quiet
from fivefold.objective import Objective

if TYPE_CHECKING:
    from fivefold.model.tune import TuneConfig

__all__ = ["told"]

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def told(
    found: Searched, known: Mapping[str, Any], objective: Objective, config: TuneConfig
) -> Tuned:
    """Choose among the trials of a study, and tell of them all."""
    question, trials = found.question, found.trials
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    front = _front(found, complete)
    best = _chosen(front, found, config.within)
    params = question.space.read(best.params)
    candidate = with_params(question.candidate, params, objective)
    numbers = {trial.number: number for number, trial in enumerate(trials)}
    tuning = {
        **known,
        "tuned": True,
        "candidate": asdict(candidate),
        "params": params,
        "trial": numbers[best.number],
        "objectives": [
            {"name": item.name, "goal": item.goal, "value": value}
            for item, value in zip(question.measures, best.values, strict=True)
        ],
        "ended": found.ended,
        "states": {
            name: sum(trial.state == state for trial in trials) for state, name in _STATES.items()
        },
        "sampler": config.sampler["_target_"],
        "pruner": config.pruner["_target_"],
        "processes": config.processes,
        "rows": len(question.job.y),
        "folds": len(question.job.folds),
        "importance": _importance(found),
        "front": [numbers[trial.number] for trial in front],
        "failures": _failures(trials, numbers),
    }
    scores = {
        "trials": len(trials),
        **{name: _mean(values) for name, values in best.user_attrs[SCORES].items()},
    }
    return Tuned(
        scores=scores,
        tuning=tuning,
        trials=_table(found),
        page=tuning_page(found, tuning, objective),
        costs={
            "trials": [
                {"trial": number, **trial.user_attrs.get(COSTS, {})}
                for number, trial in enumerate(trials)
            ]
        },
    )


def _front(found: Searched, complete: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Give the trials that no other beats in all objectives, in their order; of equals the first.

    With one objective that is the best trial alone.
    """
    signs = np.array([1 if item.goal == "minimize" else -1 for item in found.question.measures])
    values = np.array([trial.values for trial in complete]) * signs
    if values.shape[1] == 1:
        return [complete[int(values[:, 0].argmin())]]
    beaten = [
        bool(np.any(np.all(values <= row, axis=1) & np.any(values < row, axis=1))) for row in values
    ]
    first: dict[tuple[float, ...], FrozenTrial] = {}
    for trial, is_beaten in zip(complete, beaten, strict=True):
        if not is_beaten:
            first.setdefault(tuple(trial.values), trial)
    return list(first.values())


def _chosen(front: Sequence[FrozenTrial], found: Searched, within: float) -> FrozenTrial:
    """Take the best by the first objective; within a tolerance of it, the best by the second."""
    measures = found.question.measures
    signs = [1 if item.goal == "minimize" else -1 for item in measures]
    best = min(signs[0] * trial.values[0] for trial in front)
    near = [trial for trial in front if signs[0] * trial.values[0] <= best + within]
    if len(signs) == 1 or not within:
        near.sort(key=lambda trial: signs[0] * trial.values[0])
        return near[0]
    return min(near, key=lambda trial: (signs[1] * trial.values[1], signs[0] * trial.values[0]))


def _importance(found: Searched) -> dict[str, float] | None:
    """Give each argument's share, by PED-ANOVA; None where too few trials tell it.

    S. Watanabe, A. Bansal and F. Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter
    Importance in Arbitrary Subspaces", *IJCAI* (2023).
    """
    import optuna

    sign = 1 if found.question.measures[0].goal == "minimize" else -1
    try:
        with quiet():
            shares = optuna.importance.get_param_importances(
                found.study,
                # It asks what the low values have in common.
                target=lambda trial: sign * trial.values[0],
            )
    except (ValueError, RuntimeError, ZeroDivisionError):
        return None
    if not shares or not all(np.isfinite(share) for share in shares.values()):
        return None
    return {key: float(share) for key, share in shares.items()}


def _failures(trials: Sequence[FrozenTrial], numbers: Mapping[int, int]) -> list[dict[str, object]]:
    return [
        {"trial": numbers[trial.number], "cause": trial.user_attrs[CAUSE]}
        for trial in trials
        if trial.state == TrialState.FAIL
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return float(np.mean(given)) if given else None


def _table(found: Searched) -> str:
    """Write a row per trial: its arguments, its scores, by fold too, and what became of it."""
    question = found.question
    names = [item.name for item in question.space.dimensions]
    metrics = list(question.job.metrics)
    others = [item.name for item in question.measures if item.name not in metrics]
    folds = [
        f"{metric}_fold_{number}"
        for metric in metrics
        for number in range(1, len(question.job.folds) + 1)
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", *names, *metrics, *others, *folds, "cause"])
    for number, trial in enumerate(found.trials):
        params = question.space.read(trial.params)
        scores = trial.user_attrs.get(SCORES, {})
        by_name = dict(
            zip([item.name for item in question.measures], trial.values or [], strict=False)
        )
        each = []
        for metric in metrics:
            given = scores.get(metric, [])
            each += [*given, *[None] * (len(question.job.folds) - len(given))]
        writer.writerow(
            [
                number,
                _STATES[trial.state],
                *(_cell(params, name) for name in names),
                *(_number(_mean(scores.get(metric, []))) for metric in metrics),
                *(_number(by_name.get(name)) for name in others),
                *(_number(value) for value in each),
                trial.user_attrs[CAUSE] if trial.state == TrialState.FAIL else "",
            ]
        )
    return text.getvalue()


def _cell(params: Mapping[str, Any], name: str) -> str:
    """Write an argument as JSON would, a text without its quotes; empty where it did not apply."""
    if name not in params:
        return ""
    value = params[name]
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
