"""The page of the select stage: how the candidates compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.metrics import METRICS
from fivefold.objective import Objective
from fivefold.report import Alert, Cell, Column, Page, Section, Table, charts
from fivefold.report import format as form

__all__ = ["selection_page"]

_VALIDATION = {
    "time": "each fold is later than what was fitted",
    "group": "no group is in both parts of a fold",
    "stratified": "shuffled, the classes in proportion",
    "kfold": "shuffled",
}


def selection_page(selection: Mapping[str, Any], objective: Objective) -> Page:
    """Draw what :func:`fivefold.model.comparison.compare` gave."""
    metric = objective.primary
    by_name = {item["name"]: item for item in selection["candidates"]}
    winner = by_name[selection["winner"]]
    failed = [item for item in selection["candidates"] if item["error"]]
    rows: list[tuple[object, ...]] = []
    for place, name in enumerate(selection["ranking"], start=1):
        item = by_name[name]
        chosen = name == selection["winner"]
        rows.append(
            (
                place,
                Cell(name, "good") if chosen else name,
                item["mean"][metric.name],
                item["std"],
                *(item["mean"][m] for m in item["mean"] if m != metric.name),
                item["estimator"],
            )
        )
    others = [name for name in winner["mean"] if name != metric.name]
    table = Table(
        [
            Column("rank", "integer"),
            "candidate",
            Column(metric.title, "number"),
            Column("standard deviation", "number"),
            *(Column(METRICS[name].title, "number") for name in others),
            Column("estimator", "code"),
        ],
        rows,
        caption="Means over the folds; the standard deviation is that of the primary metric",
    )
    alerts = [
        Alert(
            "warn",
            f"{form.verbatim(item['name'])} failed in fold {item['error']['fold']} and is out: "
            f"{form.verbatim(item['error']['cause'])}",
        )
        for item in failed
    ]
    alerts += [
        Alert("info", f"{form.verbatim(item['name'])} warned: {form.verbatim(text)}")
        for item in selection["candidates"]
        for text in item["warnings"]
    ]
    picture = charts.scores_per_fold(
        {name: by_name[name]["scores"][metric.name] for name in selection["ranking"]},
        x=metric.title,
        highest_first=metric.goal == "maximize",
        width="full",
    )
    n_folds = len(selection["folds"])
    rule = (
        "the best mean"
        if selection["rule"] == "best"
        else "the simplest within one standard error of the best mean"
    )
    return Page(
        title="Selection",
        lead=f"{selection['winner']} wins with a mean {metric.title} of "
        f"{form.number(winner['mean'][metric.name])} over {n_folds} folds of "
        f"{form.plural(selection['rows'], 'training row')}.",
        kicker=f"{objective.name} · model",
        sections=[
            Section(
                "Candidates",
                [*alerts, picture, table],
                note=f"Cross-validated on the training part only: "
                f"{_VALIDATION[selection['cross_validation']]}. The winner has {rule}.",
            ),
        ],
    )
