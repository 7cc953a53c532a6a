"""Reasoned exceptions to gates: ``exceptions.yaml``, committed and so reviewed.

An exception covers one gate, and only while its value is no worse than when it was recorded. What
a merge brought to the base doesn't hide a new worsening: an exception to a regression or a weakened
plan is spent by then, and one to a threshold or guardrail doesn't cover a metric that fell again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import yaml

from fivefold.errors import HistoryError, OutputError, nearest
from fivefold.files import replace_text
from fivefold.history.diff.changes import Diff, Gate
from fivefold.history.measures import is_number

if TYPE_CHECKING:
    from fivefold.history.git.repository import Repository
    from fivefold.history.git.snapshots import Snapshot
    from fivefold.history.reader import Reader

__all__ = ["EXCEPTIONS", "Allowance", "apply_allowances", "read_allowances", "record"]

EXCEPTIONS = "exceptions.yaml"
"""Relative to DVC's root; outside ``conf/``, so that recording one makes no stage run again."""

_HEADER = """\
# Exceptions to gates, recorded by `fivefold gate --allow NAME=REASON`. Each covers one
# gate, and only while its value is no worse than here.
"""
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
        _plain(entry.get("limit")),
        _plain(entry["value"]),
        " ".join(texts["reason"].split()),
        texts["by"],
    )


def _plain(value: Any) -> Any:
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


def record(reader: Reader, diff: Diff, allowed: Sequence[str]) -> tuple[Allowance, ...]:
    """Write exceptions to the working tree, all or none.

    Parameters
    ----------
    reader : Reader
    diff : Diff
        The working tree judged, with the gates that the exceptions are for.
    allowed : sequence of str
        ``NAME=REASON`` each.

    Raises
    ------
    HistoryError
        Where a name is none of a gate that fails, a reason is empty, the head isn't the working
        tree, the file can't be read, or Git doesn't know who records it.
    OutputError
        Where the file can't be written.
    """
    repository = reader.repository
    if diff.head.commit is not None or repository.root is None:
        raise HistoryError(
            "an exception is recorded in the working tree, so that is what is judged",
            where="--allow",
            got=diff.head.label,
            hint=f"fivefold gate {diff.base.name} --allow ...",
        )
    by = _who(repository)
    fresh: dict[str, Allowance] = {}
    for text in allowed:
        gate, reason = _parsed(text, diff.gates)
        fresh[gate.name] = Allowance(
            gate.name, gate.metric, _plain(gate.limit), _plain(gate.value), reason, by
        )
    snapshot = repository.snapshot(diff.head)
    kept, problems = read_allowances(reader, snapshot)
    if problems:
        raise HistoryError(
            "the exceptions can't be read, so none can be added",
            where=EXCEPTIONS,
            got="; ".join(problems),
            hint=f"mend {EXCEPTIONS} by hand",
        )
    blob = snapshot.blob(EXCEPTIONS)
    before = snapshot.data(blob).decode() if blob and kept else _HEADER
    if any(item.gate in fresh for item in kept):
        before = _without(before, set(fresh))
    path = repository.root / EXCEPTIONS
    text = before.rstrip("\n") + "\n" + _dump(list(fresh.values()))
    try:
        replace_text(path, text)
    except OSError as error:
        raise OutputError(
            "the exceptions can't be written", where=str(path), got=error.strerror
        ) from error
    return tuple(fresh.values())


def _dump(items: Sequence[Allowance]) -> str:
    order = [field.name for field in fields(Allowance)]
    entries = [{key: asdict(item)[key] for key in order} for item in items]
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=1000)


def _without(text: str, gates: set[str]) -> str:
    """Take the entries of some gates out of the file's text, and leave the others as they stand."""
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.SequenceNode) or root.flow_style:
        kept = [entry for entry in yaml.safe_load(text) if entry.get("gate") not in gates]
        shown = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=1000)
        return _HEADER + (shown if kept else "")
    lines = text.splitlines(keepends=True)
    starts = [node.start_mark.line for node in root.value] + [len(lines)]
    named = [entry.get("gate") for entry in yaml.safe_load(text)]
    kept_lines = lines[: starts[0]]
    for gate, first, last in zip(named, starts[:-1], starts[1:], strict=True):
        if gate not in gates:
            kept_lines += lines[first:last]
    return "".join(kept_lines)


def _parsed(text: str, gates: Sequence[Gate]) -> tuple[Gate, str]:
    """Split ``NAME=REASON`` and find the gate; a metric's name may hold an equals sign itself."""
    by_name = {gate.name: gate for gate in gates}
    cuts = [i for i, sign in enumerate(text) if sign == "="]
    if not cuts:
        raise HistoryError(
            "an exception has a name and a reason", where="--allow", got=text, allowed="NAME=REASON"
        )
    cut = next((i for i in cuts if text[:i].strip() in by_name), cuts[0])
    name, reason = text[:cut].strip(), " ".join(text[cut + 1 :].split())
    failing = [gate.name for gate in gates if gate.required and not gate.passed]
    if name not in by_name:
        part = [known for known in by_name if known.endswith(f".{name}")]
        raise HistoryError(
            "no gate has this name",
            where="--allow",
            got=name,
            allowed=", ".join(failing) or "none: no gate fails",
            hint=f"did you mean {part[0]!r}?" if len(part) == 1 else nearest(name, by_name),
        )
    if name not in failing:
        raise HistoryError(
            "the gate doesn't fail, so there is nothing to allow",
            where="--allow",
            got=name,
            allowed=", ".join(failing) or "none: no gate fails",
        )
    if not reason:
        raise HistoryError(
            "an exception needs a reason",
            where="--allow",
            got=text,
            allowed=f"{name}=REASON",
        )
    return by_name[name], reason


def _who(repository: Repository) -> str:
    """Name who records an exception, as Git would name the author of a commit."""
    config = repository.git.config
    found = []
    for key in ("name", "email"):
        value = os.environ.get(f"GIT_AUTHOR_{key.upper()}", "").strip()
        if not value and f"user.{key}" in config:
            value = str(config[f"user.{key}"]).strip()
        found.append(value)
    name, email = found
    if not name:
        raise HistoryError(
            "Git doesn't know who records the exception",
            where="user.name",
            hint="git config --global user.name 'Your Name'",
        )
    return f"{name} <{email}>" if email else name
