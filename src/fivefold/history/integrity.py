"""Whether a revision's results are those that its lock vouches for.

DVC itself checks none of this in a commit: a metrics file can be edited by hand, and params can be
changed without running, and both are committed as if nothing were.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fivefold.history.conventions import COST_FILE
from fivefold.history.dvc.lock import Hash, Lock, LockedStage
from fivefold.history.dvc.pipeline import Declared, Stage
from fivefold.history.dvc.values import FileValues, flatten, lookup, same
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.reader import Reader

__all__ = ["STATUSES", "Integrity", "check"]

Status = Literal["ok", "stale", "edited", "unverified"]

STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a check found.

    Attributes
    ----------
    status : {"ok", "stale", "edited", "unverified"}
        ``edited``: an output isn't the one that the lock vouches for. ``stale``: params, code or
        commands changed after the stages ran, or the lock can't be read. ``unverified``: there is
        no lock to hold it against, or no stage writes one of the metrics files.
    reasons : tuple of str
        What is wrong, worst first; empty for ``ok``.
    """

    status: Status
    reasons: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the results."""
        return self.status in ("ok", "unverified")


def check(reader: Reader, snapshot: Snapshot) -> Integrity:
    """Hold a revision's files against its lock.

    Parameters
    ----------
    reader : Reader
    snapshot : Snapshot

    Returns
    -------
    Integrity
    """
    declared = reader.declared(snapshot)
    lock = reader.lock(snapshot)
    if declared.problems or lock.problems:
        return Integrity("stale", (*declared.problems, *lock.problems))
    edited = _edited(reader, snapshot, declared, lock)
    stale = _stale(reader, snapshot, declared, lock)
    if edited:
        return Integrity("edited", (*edited, *stale))
    if stale:
        return Integrity("stale", tuple(stale))
    if not lock.stages:
        return Integrity("unverified", ("there is no dvc.lock to hold the results against",))
    outs = {path for stage in lock.stages.values() for path in stage.outs} | lock.data.keys()
    loose = [path for path in declared.metrics if not _covered(path, outs) and path != COST_FILE]
    if loose:
        return Integrity("unverified", tuple(f"no stage writes {path}" for path in loose))
    return Integrity("ok")


def _covered(path: str, outs: Collection[str]) -> bool:
    """Tell whether a path or a folder above it is among those vouched for."""
    while path and path not in outs:
        path = posixpath.dirname(path)
    return bool(path)


def _edited(reader: Reader, snapshot: Snapshot, declared: Declared, lock: Lock) -> list[str]:
    found = [
        f"{path} is not what {folder.path} was when its stage ran"
        for path in declared.metrics
        if (folder := reader.vouched(snapshot, path)) is not None
        and folder.path != path
        and _differs_inside(reader, snapshot, path, folder)
    ]
    for name, stage in lock.stages.items():
        for out in declared.stages[name].outs:
            vouched = stage.outs.get(out.path)
            # The working tree has cached metrics too, and anybody can edit them there.
            kept = not out.cached or out.kind == "metric"
            if kept and vouched and _differs(reader, snapshot, vouched):
                found.append(f"{out.path} is not what stage {name} wrote")
    return found


def _stale(reader: Reader, snapshot: Snapshot, declared: Declared, lock: Lock) -> list[str]:
    reasons = []
    writers = {path: (name, h) for name, s in lock.stages.items() for path, h in s.outs.items()}
    for name, stage in declared.stages.items():
        ran = lock.stages.get(name)
        if ran is None:
            if lock.stages and stage.outs:
                reasons.append(f"stage {name} has not run")
            continue
        if stage.command is not None and ran.command is not None and stage.command != ran.command:
            reasons.append(f"stage {name} ran another command")
        if stage.frozen:
            continue
        reasons.extend(_declared_since(stage, ran))
        reasons.extend(_params_changed(reader, snapshot, name, ran.params, writers))
        for path, used in ran.deps.items():
            if path in writers:
                writer, written = writers[path]
                if _other(written, used):
                    reasons.append(f"stage {name} has not run on what {writer} wrote to {path}")
            elif path in lock.data:
                if _other(lock.data[path], used):
                    reasons.append(f"stage {name} ran on another version of {path}")
            # A folder's hash counts files that Git ignores, so only single files are compared.
            elif not used.value.endswith(".dir") and _differs(reader, snapshot, used):
                reasons.append(f"{path} changed after stage {name} ran")
    return reasons


def _declared_since(stage: Stage, ran: LockedStage) -> list[str]:
    """Name what dvc.yaml declares of a stage and its last run didn't know."""
    reasons = [
        f"stage {stage.name} has not run since it depends on {path}"
        for path in stage.deps
        if path not in ran.deps
    ]
    for path, names in stage.params:
        known = ran.params.get(path, {})
        lacking = [name for name in names if name not in known]
        if lacking or (not names and path not in ran.params):
            what = ", ".join(lacking) or path
            reasons.append(f"stage {stage.name} has not run since it depends on {what}")
    reasons.extend(
        f"stage {stage.name} has not run since it writes {out.path}"
        for out in stage.outs
        if out.path not in ran.outs
    )
    return reasons


def _other(one: Hash, other: Hash) -> bool:
    """Tell whether two hashes are of different contents; those of two algorithms tell nothing."""
    return one.algorithm == other.algorithm and one.value != other.value


def _params_changed(
    reader: Reader,
    snapshot: Snapshot,
    stage: str,
    ran: Mapping[str, Mapping[str, Any]],
    written: Container[str],
) -> list[str]:
    reasons = []
    for path, values in ran.items():
        blob = snapshot.blob(path)
        if blob is None and path in written:
            # DVC's cache has it, if anything: the lock holds its hash.
            continue
        file = reader.file(snapshot, path, blob) if blob is not None else FileValues()
        if file.error:
            reasons.append(f"stage {stage} ran with other params: {file.error}")
            continue
        raw = file.raw
        for key, value in values.items():
            try:
                now = lookup(raw, key)
            except KeyError:
                # DVC records a param that is absent as null.
                if value is not None:
                    reasons.append(f"stage {stage} ran with {key}={value!r}, {path} has none")
                continue
            if not same(now, value):
                reasons.append(f"stage {stage} ran with {_first_difference(key, value, now, path)}")
    return reasons


def _first_difference(key: str, ran: Any, now: Any, path: str) -> str:
    """Name the first leaf that differs: a section as a whole would fill the screen."""
    if isinstance(ran, Mapping) and isinstance(now, Mapping):
        before, after = flatten(ran), flatten(now)
        for name in dict.fromkeys((*before, *after)):
            if name not in after:
                return f"{key}.{name}={before[name]!r}, {path} has none"
            if name not in before:
                return f"no {key}.{name}, {path} says {after[name]!r}"
            if not same(before[name], after[name]):
                return f"{key}.{name}={before[name]!r}, {path} says {after[name]!r}"
    return f"{key}={ran!r}, {path} says {now!r}"


def _differs(reader: Reader, snapshot: Snapshot, vouched: Hash) -> bool:
    """Tell whether Git's content of a path isn't the hashed one; False where Git has none."""
    if vouched.value.endswith(".dir"):
        files = snapshot.files(vouched.path)
        return bool(files) and _folder_hash(snapshot, vouched.path, files) != vouched.value
    blob = snapshot.blob(vouched.path)
    if blob is None or not vouched.algorithm.startswith("md5"):
        return False
    # Runs that stand near each other share most of their files.
    key = (blob, vouched.value)
    if key not in reader.held:
        reader.held[key] = not _is_content(snapshot.data(blob), vouched.value)
    return reader.held[key]


def _is_content(data: bytes, vouched: str) -> bool:
    if _md5(data) == vouched:
        return True
    # Git may keep text with other line ends than the working tree had when DVC hashed it.
    plain = data.replace(b"\r\n", b"\n")
    return vouched in (_md5(plain), _md5(plain.replace(b"\n", b"\r\n")))


def _differs_inside(reader: Reader, snapshot: Snapshot, path: str, folder: Hash) -> bool:
    """Tell whether a file isn't the one that a cached folder holds; only the working tree has it.

    Where DVC's cache doesn't have the folder's list, the whole folder is hashed.
    """
    blob = snapshot.blob(path)
    if blob is None or not folder.value.endswith(".dir"):
        return False
    inside = reader.cache.listing(folder)
    if inside:
        return path not in inside or inside[path].value != _md5(snapshot.data(blob))
    return _differs(reader, snapshot, folder)


def _folder_hash(snapshot: Snapshot, folder: str, files: list[str]) -> str:
    """Hash a folder as DVC does: the MD5 of the JSON list of its files' MD5s and paths."""
    listing = []
    for path in files:
        blob = snapshot.blob(path)
        if blob is not None:
            listing.append(
                {"md5": _md5(snapshot.data(blob)), "relpath": path.removeprefix(f"{folder}/")}
            )
    listing.sort(key=lambda entry: tuple(entry["relpath"].split("/")))
    return _md5(json.dumps(listing, sort_keys=True).encode()) + ".dir"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
