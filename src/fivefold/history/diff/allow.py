"""Recording exceptions: what ``fivefold gate --allow NAME=REASON`` writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, fields

import yaml

from fivefold.errors import HistoryError, OutputError, nearest
from fivefold.files import replace_text
from fivefold.history.diff.changes import Diff, Gate
from fivefold.history.diff.exceptions import EXCEPTIONS, Allowance, plain, read_allowances
from fivefold.history.git.repository import Repository
from fivefold.history.reader import Reader

__all__ = ["record"]

_HEADER = """\
# Exceptions to gates, recorded by `fivefold gate --allow NAME=REASON`. Each covers one
# gate, and only while its value is no worse than here.
"""


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
            gate.name, gate.metric, plain(gate.limit), plain(gate.value), reason, by
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
