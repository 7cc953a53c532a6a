"""The page of the select stage: how the candidates compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.metrics import METRICS, Metric
from fivefold.objective import Objective
from fivefold.report import Alert, Block, Cell, Column, Page, Section, Table, charts
from fivefold.report import format as form

__all__ = ["selection_page"]

_LEVEL = 0.05
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
                item["mean_rank"],
                _against_best(item, selection["ranking"][0]),
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
            Column("mean rank", "number"),
            "against the best",
            *(Column(METRICS[name].title, "number") for name in others),
            Column("estimator", "code"),
        ],
        rows,
        caption="Means over the folds; the standard deviation is that of the primary metric. "
        "Against the best: the p-value of a paired t-test over the folds, corrected for what they "
        "share (Nadeau and Bengio) and for the number of candidates (Holm). Few folds tell only "
        "large and steady differences apart",
    )
    alerts = [
        Alert(
            "warn",
            f"{form.verbatim(item['name'])} {_where(item)} and is out: "
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
        else "the simplest within one standard error (the deviation over the root of the folds) of "
        "the best mean"
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
                [*alerts, picture, table, *_curves(selection, by_name, metric)],
                note=f"Cross-validated on the training part only: "
                f"{_VALIDATION[selection['cross_validation']]}. The winner has {rule}.",
            ),
        ],
    )


def _where(item: Mapping[str, Any]) -> str:
    fold = item["error"]["fold"]
    return "can't be compared" if fold is None else f"failed in fold {fold}"


def _against_best(item: Mapping[str, Any], best: str) -> object:
    if item["name"] == best:
        return "the best"
    p_value = item["p_value"]
    if p_value is None:
        return form.MISSING
    told = f"p = {form.number(p_value)}"
    return Cell(f"worse, {told}", "bad") if p_value < _LEVEL else f"not distinguishable, {told}"


def _curves(
    selection: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]], metric: Metric
) -> list[Block]:
    """Draw what more rows brought, where it was asked."""
    drawn = {
        name: by_name[name]["curve"] for name in selection["ranking"] if by_name[name]["curve"]
    }
    if not drawn:
        return []
    rows = [point["rows"] for point in next(iter(drawn.values()))]
    return [
        charts.line(
            rows,
            {name: [point["score"] for point in curve] for name, curve in drawn.items()},
            x_title="rows fitted on",
            y_title=metric.title,
            title="Learning curves",
            caption="Each fitted on growing shares of the last fold's rows.",
            width="full",
        )
    ]
