"""Reasoned exceptions to gates: ``exceptions.yaml``, committed and so reviewed.

An exception covers one gate, and only while its value is no worse than when it was recorded. What
a merge brought to the base doesn't hide a new worsening: an exception to a regression or a weakened
plan is spent by then, and one to a threshold or guardrail doesn't cover a metric that fell again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fivefold.history.diff.changes import Gate
from fivefold.history.measures import is_number

if TYPE_CHECKING:
    from fivefold.history.git.snapshots import Snapshot
    from fivefold.history.reader import Reader

__all__ = ["EXCEPTIONS", "Allowance", "apply_allowances", "plain", "read_allowances"]

EXCEPTIONS = "exceptions.yaml"
"""Relative to DVC's root; outside ``conf/``, so that recording one makes no stage run again."""

_SPENT = ("regression", "weakened")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One recorded exception.

    Attributes
    ----------
    gate, metric : str
        The gate's name and what it measures.
    limit, value : object
        What was asked, and what was there when the exception was recorded.
    reason : str
    by : str
        Name and address of who recorded it.
    """

    gate: str
    metric: str
    limit: Any
    value: Any
    reason: str
    by: str = ""


def read_allowances(
    reader: Reader, snapshot: Snapshot
) -> tuple[tuple[Allowance, ...], tuple[str, ...]]:
    """Read a revision's exceptions, and say what of them can't be read.

    Returns
    -------
    allowances : tuple of Allowance
    problems : tuple of str
        An entry that is told here covers nothing.
    """
    blob = snapshot.blob(EXCEPTIONS)
    if blob is None:
        return (), ()
    file = reader.file(snapshot, EXCEPTIONS, blob)
    if file.error:
        return (), (file.error,)
    # An empty file is an empty mapping to the parser.
    entries = file.raw or []
    if not isinstance(entries, list):
        return (), (f"{EXCEPTIONS} is not a list of exceptions",)
    found, problems = [], []
    for place, entry in enumerate(entries, start=1):
        allowance = _allowance(entry)
        if allowance is None:
            problems.append(f"{EXCEPTIONS}: entry {place} is no exception: gate, value and reason")
        else:
            found.append(allowance)
    return tuple(found), tuple(problems)


def _allowance(entry: Any) -> Allowance | None:
    if not isinstance(entry, Mapping) or "value" not in entry:
        return None
    texts = {key: entry.get(key, "") for key in ("gate", "metric", "reason", "by")}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    if not (texts["gate"].strip() and texts["reason"].strip()):
        return None
    return Allowance(
        texts["gate"],
        texts["metric"],
        plain(entry.get("limit")),
        plain(entry["value"]),
        " ".join(texts["reason"].split()),
        texts["by"],
    )


def plain(value: Any) -> Any:
    """Give a value as the file holds it: a number or a text."""
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def apply_allowances(
    gates: Sequence[Gate],
    head: Sequence[Allowance],
    base: Sequence[Allowance] = (),
    worse: Sequence[str] = (),
) -> tuple[Gate, ...]:
    """Give the gates with the exceptions that cover them; a gate says why one doesn't.

    Parameters
    ----------
    gates : sequence of Gate
    head, base : sequence of Allowance
        Of both sides; the base's covered what was merged.
    worse : sequence of str
        The metrics that are worse than the base's beyond noise.
    """
    known = set(base)
    found = []
    for gate in gates:
        covering = [item for item in head if item.gate == gate.name]
        if not gate.failed or not covering:
            found.append(gate)
            continue
        refusals = [_refusal(gate, item, item in known, worse) for item in covering]
        if "" in refusals:
            found.append(replace(gate, allowed=covering[refusals.index("")].reason))
        else:
            note = "; ".join(filter(None, (gate.note, f"the recorded exception {refusals[-1]}")))
            found.append(replace(gate, note=note))
    return tuple(found)


def _refusal(gate: Gate, item: Allowance, merged: bool, worse: Sequence[str]) -> str:
    """Say why an exception doesn't cover a gate; empty where it does."""
    if item.metric and item.metric != gate.metric:
        return f"was for {item.metric}"
    if merged and gate.kind in _SPENT:
        return "is on the base already: it covered what was merged"
    if not _no_worse(gate.value, item.value, gate.relation):
        return f"covers {_shown(item.value)}, and this is worse"
    if gate.kind in _SPENT or gate.relation == "=":
        return ""
    if item.limit is not None and not _no_worse(item.limit, gate.limit, gate.relation):
        return f"was for the limit {_shown(item.limit)}"
    if merged and gate.metric in worse:
        return "is on the base already, and the metric is worse than there"
    return ""


def _no_worse(value: Any, other: Any, relation: str) -> bool:
    """Tell whether a value stands to a limit no worse than another; what is missing, never."""
    if relation == "=" or value is None or other is None:
        return bool(value == other)
    if is_number(value) and is_number(other):
        return value >= other if relation == ">=" else value <= other
    # Dates as ISO 8601 writes them.
    both_texts = isinstance(value, str) and isinstance(other, str)
    return both_texts and (value >= other if relation == ">=" else value <= other)


def _shown(value: Any) -> str:
    return "a missing value" if value is None else f"{value:.6g}" if is_number(value) else value
