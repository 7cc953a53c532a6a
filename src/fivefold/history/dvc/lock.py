"""What a revision's ``dvc.lock`` and ``*.dvc`` files vouch for: hashes, and params as run."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fivefold.history.dvc.pipeline import Stage, locate
from fivefold.history.dvc.values import MalformedError

__all__ = ["Hash", "Lock", "LockedStage", "locked_stages", "tracked_data"]


@dataclass(frozen=True, slots=True)
class Hash:
    """A path's content as DVC recorded it.

    Attributes
    ----------
    path : str
        Relative to DVC's root.
    value : str
        The hash; a folder's ends in ``.dir``.
    algorithm : str
        ``md5``, or ``md5-dos2unix`` for what DVC before 3.0 wrote.
    size : int or None
        Bytes.
    files : int or None
        How many files, for a folder.
    """

    path: str
    value: str
    algorithm: str = "md5"
    size: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class LockedStage:
    """One stage as it last ran: command, hashes by path, param values by file and name."""

    command: Any
    deps: Mapping[str, Hash]
    outs: Mapping[str, Hash]
    params: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Lock:
    """All that a revision's lock files hold.

    Attributes
    ----------
    stages : dict of str to LockedStage
        By the address of the stage; only stages that ``dvc.yaml`` still declares.
    data : dict of str to Hash
        What ``dvc add`` and ``dvc import`` track, by path.
    problems : tuple of str
        What couldn't be read.
    """

    stages: Mapping[str, LockedStage] = field(default_factory=dict)
    data: Mapping[str, Hash] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def outs(self) -> dict[str, Hash]:
        """Give every path that a stage writes or DVC tracks, with its hash."""
        found = dict(self.data)
        for stage in self.stages.values():
            found.update(stage.outs)
        return found


def _hash(entry: Mapping[str, Any], wdir: str) -> Hash | None:
    path = entry.get("path")
    for key in ("md5", "checksum", "etag"):
        value = entry.get(key)
        if isinstance(path, str) and isinstance(value, str):
            # DVC before 3.0 hashed text with line ends made equal, and named no algorithm.
            named = entry.get("hash") or ("md5-dos2unix" if key == "md5" else key)
            size, files = entry.get("size"), entry.get("nfiles")
            return Hash(
                path if "://" in path else locate(wdir, path),
                value,
                str(named),
                size if isinstance(size, int) else None,
                files if isinstance(files, int) else None,
            )
    return None


def _hashes(entries: Any, wdir: str) -> dict[str, Hash]:
    found = (_hash(entry, wdir) for entry in entries or () if isinstance(entry, Mapping))
    return {item.path: item for item in found if item is not None}


def locked_stages(data: Any, file: str, stages: Mapping[str, Stage]) -> dict[str, LockedStage]:
    """Read one ``dvc.lock``.

    Parameters
    ----------
    data : object
        The parsed file, of either schema that DVC has written.
    file : str
        The path of the ``dvc.yaml`` beside it.
    stages : dict of str to Stage
        The declared stages, which know their working folders.

    Raises
    ------
    MalformedError
        Where it holds no stages by name.
    """
    lock = f"{file.removesuffix('.yaml')}.lock"
    entries = data.get("stages") if isinstance(data, Mapping) and "schema" in data else data
    if not isinstance(entries or {}, Mapping):
        raise MalformedError(f"{lock}: the stages are not a mapping")
    found = {}
    for name, entry in (entries or {}).items():
        address = f"{file}:{name}" if posixpath.dirname(file) else str(name)
        stage = stages.get(address)
        if stage is None or not isinstance(entry, Mapping):
            continue
        found[address] = LockedStage(
            entry.get("cmd"),
            _hashes(entry.get("deps"), stage.wdir),
            _hashes(entry.get("outs"), stage.wdir),
            {
                locate(stage.wdir, str(path)): values if isinstance(values, Mapping) else {}
                for path, values in (entry.get("params") or {}).items()
            },
        )
    return found


def tracked_data(data: Any, file: str) -> dict[str, Hash]:
    """Read one ``*.dvc`` file: the data that ``dvc add`` or ``dvc import`` tracks."""
    if not isinstance(data, Mapping):
        return {}
    return _hashes(data.get("outs"), locate(posixpath.dirname(file), str(data.get("wdir") or ".")))
