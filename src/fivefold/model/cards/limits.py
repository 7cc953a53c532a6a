"""What a reader must know before the model is used: its limits, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivefold.report import format as form

if TYPE_CHECKING:
    from fivefold.model.cards.model_card import Findings

__all__ = ["limits"]


def limits(found: Findings) -> list[str]:
    """Give the limits that follow from how the model was made and judged."""
    schema, report = found.schema, found.evaluation
    lines = [
        "Categories not seen in training count as none of the known ones.",
        "Missing numbers are taken for the median of the training rows.",
    ]
    if found.objective.task == "binary" and "confusion" in report:
        positive = form.verbatim(form.value(report["confusion"]["classes"][-1]))
        decided = found.fitted.get("decision")
        why = (
            f"chosen on validation rows by {decided['objective']}"
            if decided
            else "no cost of errors was weighed"
        )
        lines.append(
            f"The class {positive} is predicted from a probability of "
            f"{form.number(report['threshold'])} on; {why}."
        )
    if schema.with_role("time"):
        lines.append("What holds in the test part's time need not hold later: see the monitor.")
    if not report["groups"]:
        lines.append("No column has the role group or sensitive: bias was not judged.")
    lines += [
        f"The sensitive column {form.verbatim(name)} is also a feature."
        for name in schema.with_role("sensitive")
        if schema.columns[name].feature
    ]
    power = report.get("power") or {}
    if power.get("detectable") is not None:
        lines.append(
            f"The test part can show differences of {found.objective.primary.title} from "
            f"{form.number(power['detectable'])} on."
        )
    lines += found.explanation.get("limits") or []
    lines += [
        f"{item['risk']} {item.get('response', '')}".strip()
        for item in found.charter.get("risks") or []
    ]
    lines += [f"Assumed: {item}" for item in found.charter.get("assumptions") or []]
    return lines
