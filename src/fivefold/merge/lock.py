"""Merge ``dvc.lock`` stage by stage, so that it never claims what no run produced.

Entries are kept as DVC wrote them, text and all: the merge chooses between them and never makes a
new one. Where both sides ran a stage and got different entries, neither tells what the merged
inputs give, so the entry is left out, and ``dvc repro`` runs the stage.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from fivefold.errors import MergeError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

__all__ = ["LockText", "Merged", "keep_known", "merge_locks", "parse_lock"]

SCHEMA = "2.0"
_MARKER = re.compile(r"(<{7,}|={7,}|>{7,}|\|{7,})( |$)")
_SECTION = re.compile(r"([A-Za-z_][\w-]*):( .*)?$")


@dataclass(frozen=True)
class Entry:
    """One stage's entry, or a whole section that is not ours to look into.

    Attributes
    ----------
    text : str
        The lines as they stand in the file.
    meaning : object
        What they say, to be compared: equal only where every reader of YAML reads the same.
    """

    text: str
    meaning: Any


@dataclass(frozen=True)
class LockText:
    """A ``dvc.lock`` cut into its entries, in their order.

    Attributes
    ----------
    stages : dict of str to Entry
        By the stage's name; of ``foreach`` and ``matrix``, ``stage@item``.
    sections : dict of str to Entry
        What else is at the top level: the schema, datasets.
    """

    stages: Mapping[str, Entry]
    sections: Mapping[str, Entry]

    def render(self) -> str:
        """Give the file's text; without a stage, as DVC can go on writing it."""
        parts = [entry.text for entry in self.sections.values()]
        if self.stages:
            parts += ["stages:\n", *(entry.text for entry in self.stages.values())]
        return "".join(parts)


@dataclass(frozen=True)
class Merged:
    """A merged lock.

    Attributes
    ----------
    text : str
        The file's new text, with Unix line ends.
    dropped : tuple of str
        The stages that both sides changed: ``dvc repro`` will look at them again.
    """

    text: str
    dropped: tuple[str, ...]


def merge_locks(base: str, ours: str, theirs: str, where: str = "dvc.lock") -> Merged:
    """Merge two locks that go back to a common one.

    Parameters
    ----------
    base, ours, theirs : str
        The texts; an absent file is the empty text.
    where : str
        The path to name in an error.

    Returns
    -------
    Merged

    Raises
    ------
    MergeError
        A text is not a lock of schema 2.0, or a section other than the stages differs on all sides.
    """
    old, here, there = (
        parse_lock(text, f"{where} ({side})")
        for side, text in (("base", base), ("ours", ours), ("theirs", theirs))
    )
    sections, clashing = _merge_entries(old.sections, here.sections, there.sections)
    if clashing:
        raise MergeError(
            "both sides changed a section that is no stage's",
            where=where,
            got=", ".join(clashing),
            hint="choose one by hand, then git add",
        )
    stages, dropped = _merge_entries(old.stages, here.stages, there.stages)
    return Merged(LockText(stages, sections).render(), dropped)


def keep_known(text: str, known: Collection[str], where: str = "dvc.lock") -> Merged:
    """Leave out the entries of a lock that are in none of the known ones.

    Parameters
    ----------
    text : str
        The lock.
    known : collection of str
        The locks that runs wrote.
    where : str
        The path to name in an error.

    Raises
    ------
    MergeError
        A text is not a lock of schema 2.0.
    """
    lock = parse_lock(text, where)
    others = [parse_lock(other, where).stages for other in known]
    kept = {
        name: entry
        for name, entry in lock.stages.items()
        if any(name in other and other[name].meaning == entry.meaning for other in others)
    }
    dropped = tuple(name for name in lock.stages if name not in kept)
    return Merged(LockText(kept, lock.sections).render(), dropped)


def _merge_entries(
    base: Mapping[str, Entry], ours: Mapping[str, Entry], theirs: Mapping[str, Entry]
) -> tuple[dict[str, Entry], tuple[str, ...]]:
    kept, dropped = {}, []
    for name in dict.fromkeys([*ours, *theirs]):
        old, here, there = (_meaning(side.get(name)) for side in (base, ours, theirs))
        if here == there or there == old:
            chosen = ours.get(name)
        elif here == old:
            chosen = theirs.get(name)
        else:
            dropped.append(name)
            continue
        if chosen is not None:
            kept[name] = chosen
    return kept, tuple(dropped)


def _meaning(entry: Entry | None) -> Any:
    return None if entry is None else entry.meaning


def parse_lock(text: str, where: str = "dvc.lock") -> LockText:
    """Cut a ``dvc.lock`` into its entries.

    Raises
    ------
    MergeError
        It is not one of schema 2.0, or still holds conflict markers.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip():
        return LockText({}, {})
    for number, line in enumerate(text.split("\n"), 1):
        if _MARKER.match(line):
            raise MergeError(
                "conflict markers of an earlier merge", where=f"{where}:{number}", got=line
            )
    lock = _cut(text) or _cut(_as_dvc_writes(text, where))
    if lock is None:
        raise _not_a_lock(where, "no mapping of stages")
    schema = lock.sections.get("schema")
    if schema is None or yaml.load(schema.text, Loader=_Loader) != {"schema": SCHEMA}:
        raise MergeError(
            "not a lock file that this can merge",
            where=where,
            got=schema.text.strip() if schema else "no schema",
            allowed=f"schema: '{SCHEMA}'",
        )
    return lock


def _cut(text: str) -> LockText | None:
    """Cut the block style that DVC writes, each entry whole in itself; None for any other."""
    sections: dict[str, list[str]] = {}
    blocks: list[list[str]] = []
    lines = sections.setdefault("", [])
    inside = ""
    for line in text.rstrip("\n").split("\n"):
        if line and line[0] not in " -#":
            section = _SECTION.match(line)
            if section is None or section[1] in sections:
                return None
            inside = section[1]
            lines = sections[inside] = [line]
        elif inside == "stages" and line.startswith("  ") and line[2:3] not in ("", " ", "#"):
            lines = [line]
            blocks.append(lines)
        else:
            lines.append(line)
    if any(line.strip() for line in sections.pop("", [])):
        return None
    head = sections.pop("stages", ["stages:"])
    if len(head) > 1 or head[0].rstrip() != "stages:":
        return None
    try:
        stages = [_stage(block) for block in blocks]
        whole = {
            name: Entry(_joined(lines), _meant(_node(lines))) for name, lines in sections.items()
        }
    except (yaml.YAMLError, RecursionError):
        return None
    found = {stage[0]: stage[1] for stage in stages if stage is not None}
    return LockText(found, whole) if len(found) == len(blocks) else None


def _stage(lines: list[str]) -> tuple[str, Entry] | None:
    node = _node(lines)
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        name, value = node.value[0]
        if isinstance(name, yaml.ScalarNode) and isinstance(value, yaml.MappingNode):
            return name.value, Entry(_joined(lines), _meant(value))
    return None


def _node(lines: list[str]) -> yaml.Node | None:
    return yaml.compose(_joined(lines), Loader=_Loader)


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _meant(node: yaml.Node | None) -> Any:
    """Give a node's content for comparing.

    A scalar is its text and whether it is quoted, not its value: readers of YAML differ in what
    they take for a number or a truth value, and a difference unseen would keep a wrong entry.
    """
    if isinstance(node, yaml.MappingNode):
        pairs = [(_meant(key), _meant(value)) for key, value in node.value]
        return "mapping", frozenset(pairs)
    if isinstance(node, yaml.SequenceNode):
        return "sequence", tuple(_meant(item) for item in node.value)
    if isinstance(node, yaml.ScalarNode):
        return "scalar", node.tag, node.style in (None, ""), node.value
    return None


def _as_dvc_writes(text: str, where: str) -> str:
    """Write a lock of another style (by hand, by another tool) as DVC would."""
    from dvc.utils.serialize import dumps_yaml, loads_yaml

    try:
        data = _unshared(loads_yaml(text))
    except RecursionError:
        raise _not_a_lock(where, "a value that holds itself") from None
    except Exception as error:  # noqa: BLE001  ruamel's errors have no common root of their own
        said = str(getattr(error, "problem", None) or error)
        raise _not_a_lock(where, said.splitlines()[0]) from None
    if not isinstance(data, dict) or not isinstance(data.get("stages") or {}, dict):
        raise _not_a_lock(where, "no mapping of stages")
    if not data.get("stages"):
        data.pop("stages", None)
    return str(dumps_yaml(data))


def _unshared(data: Any) -> Any:
    """Copy what aliases share, so that no entry needs an anchor in another."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(item) for item in data] if isinstance(data, list) else data


def _not_a_lock(where: str, got: str) -> MergeError:
    return MergeError("not a lock file", where=where, got=got, hint="mend it by hand, then git add")
