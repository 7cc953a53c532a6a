"""The model's weak sides in sentences, for the page and the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fivefold.model.explaining.monotonicity import violations
from fivefold.objective import Objective
from fivefold.report import format as form

__all__ = ["change_of", "limits_of"]

_MOST_NAMED = 5
# A change of the input is told from the share of labels that it flips.
_FLIPPED = 0.1


def limits_of(report: Mapping[str, Any], objective: Objective) -> list[str]:
    """Word the limits found.

    Returns
    -------
    list of str
        Sentences in Markdown, none where nothing was found.
    """
    return [
        *_importance(report, objective),
        *_columns(report),
        *_robustness(report, objective),
        *violations(report["monotonicity"], form.verbatim),
    ]


def _importance(report: Mapping[str, Any], objective: Objective) -> Iterable[str]:
    found = report["importance"]
    if found["value"] is None:
        yield (
            f"{objective.primary.title} is undefined on the test rows (one class only, perhaps): "
            "importance is told by how far predictions move."
        )
        return
    nothing = [item["name"] for item in found["features"] if item["distinguishable"] is False]
    if nothing:
        yield (
            f"The importance of {form.plural(len(nothing), 'feature')} can't be told from zero on "
            f"{form.plural(found['rows'], 'row')}: {_named(nothing)}."
        )


def _columns(report: Mapping[str, Any]) -> Iterable[str]:
    if report["correlated"]:
        told = [
            f"{_named(cluster['features'])} ({form.number(cluster['strongest'], 2)})"
            for cluster in report["correlated"]
        ]
        yield (
            "Features that say much the same, so that each alone looks less important than it is "
            f"(in brackets the strongest association): {'; '.join(told[:_MOST_NAMED])}"
            + ("." if len(told) <= _MOST_NAMED else f"; and {len(told) - _MOST_NAMED} more.")
        )
    flat = [name for name in report["constant"] if name not in report["empty"]]
    if flat:
        yield f"Constant in training, and so without use: {_named(flat)}."
    if report["empty"]:
        yield f"Missing in every training row: {_named(report['empty'])}."


def _robustness(report: Mapping[str, Any], objective: Objective) -> Iterable[str]:
    changes = report["robustness"]["changes"]
    refused = [item for item in changes if item["error"]]
    if refused:
        yield (
            f"The model can't predict under {form.plural(len(refused), 'change')} of the input: "
            f"{_listed([change_of(item) for item in refused])}."
        )
    told = set()
    for item in changes:
        alone = item["feature"] is not None and not item["error"]
        if alone and (item["flipped"] or 0) >= _FLIPPED and item["feature"] not in told:
            told.add(item["feature"])
            if len(told) > _MOST_NAMED:
                break
            worse = item["worse"]
            yield (
                f"{change_of(item)} changes {form.percent(item['flipped'])} of the labels"
                + (
                    ""
                    if worse is None
                    else f" and makes {objective.primary.title} worse by {form.number(worse)}"
                    if worse > 0
                    else ""
                )
                + "."
            )


def change_of(item: Mapping[str, Any]) -> str:
    """Word one change of the input."""
    where = "all columns" if item["feature"] is None else form.verbatim(item["feature"])
    level = item["level"]
    if item["kind"] == "noise":
        return f"Noise of {level:g} standard deviations on {where}"
    if item["kind"] == "shift":
        way = "up" if level > 0 else "down"
        return f"A shift of {where} {way} by {abs(level):g} standard deviations"
    if item["kind"] == "missing":
        whole = "All" if level == 1 else form.percent(level, 0)
        return f"{whole} of {where} missing"
    if item["kind"] == "unseen":
        return f"A category never seen in {where}"
    return f"The most frequent value for all of {where}"


def _named(names: list[str]) -> str:
    return _listed([form.verbatim(name) for name in names])


def _listed(told: list[str]) -> str:
    shown = ", ".join(told[:_MOST_NAMED])
    return shown if len(told) <= _MOST_NAMED else f"{shown} and {len(told) - _MOST_NAMED} more"
