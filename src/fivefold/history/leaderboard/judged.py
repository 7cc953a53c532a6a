"""What a run was judged on: only runs of the same can be ranked together.

A file is known by its hash in ``dvc.lock``. A value in a committed file, named ``FILE:NAME``, is
known by what it says: a fingerprint that a stage wrote of its data changes with the data only, and
not with the columns that no model sees or with the version of what writes the file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from fivefold.history.conventions import FINGERPRINT, SPLIT_FILE
from fivefold.history.dvc.lock import Hash, Lock
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.leaderboard.board import Board
from fivefold.history.reader import Reader

__all__ = ["data_version", "file_version", "judged_on", "version_text"]

_HELD_OUT = ("test", "holdout", "held_out", "held-out")


def data_version(
    reader: Reader, snapshot: Snapshot, board: Board, metrics_file: str | None
) -> str | None:
    """Give the version of the data that a run was judged on, or None where nothing tells.

    The board or ``fivefold.yaml`` names the files; otherwise they are those inputs of the stage
    that writes the metric whose name says that they were held out, such as ``data/test.parquet``.
    """
    files = _metrics_files(board, metrics_file)
    return version_text(judged_on(reader, snapshot, board, files)) or None


def file_version(
    reader: Reader, snapshot: Snapshot, board: Board, metrics_file: str | None
) -> str | None:
    """Give the same version by the hashes of the files, as runs without a fingerprint have it."""
    lock = reader.lock(snapshot)
    paths = _paths(lock, board, _metrics_files(board, metrics_file))
    return version_text(_versions(reader, snapshot, lock, paths)) or None


def _metrics_files(board: Board, metrics_file: str | None) -> tuple[str, ...]:
    return board.declaration.evaluations or ((metrics_file,) if metrics_file else ())


def version_text(known: Mapping[str, str]) -> str:
    """Write versions of files for people: a path and the start of its hash."""
    return ", ".join(f"{path} {value[:8]}" for path, value in known.items())


def judged_on(
    reader: Reader, snapshot: Snapshot, board: Board, files: tuple[str, ...]
) -> dict[str, str]:
    """Give the hashes of what the metrics in some files were computed from, by path.

    A path that no lock vouches for is known by the folder that holds it, or by its content in Git.
    Where nobody names the paths, the fingerprint that the stage wrote beside its test part counts
    for the file.
    """
    lock = reader.lock(snapshot)
    found = _versions(reader, snapshot, lock, _paths(lock, board, files))
    if board.data is None:
        told = _value(reader, snapshot, SPLIT_FILE, FINGERPRINT)
        beside = [stage.outs for stage in lock.stages.values() if SPLIT_FILE in stage.outs]
        parts = [path for path in found if any(path in outs for outs in beside)]
        # It is of one part, so it can't tell which of several has changed.
        if told is not None and len(parts) == 1:
            found[parts[0]] = told
    return found


def _paths(lock: Lock, board: Board, files: tuple[str, ...]) -> tuple[str, ...]:
    if board.data is not None:
        return board.data
    deps = [s.deps for s in lock.stages.values() if any(file in s.outs for file in files)]
    return tuple(
        dict.fromkeys(
            path
            for inputs in deps
            for path in inputs
            if any(word in posixpath.basename(path).lower() for word in _HELD_OUT)
        )
    )


def _versions(
    reader: Reader, snapshot: Snapshot, lock: Lock, paths: tuple[str, ...]
) -> dict[str, str]:
    known = lock.outs()
    for stage in lock.stages.values():
        known.update({path: item for path, item in stage.deps.items() if path not in known})
    found = {path: _version(reader, snapshot, known, path) for path in paths}
    return {path: value for path, value in found.items() if value is not None}


def _version(
    reader: Reader, snapshot: Snapshot, known: Mapping[str, Hash], path: str
) -> str | None:
    file, colon, name = path.rpartition(":")
    if colon and path not in known:
        return _value(reader, snapshot, file, name)
    above = path
    while above:
        if above in known:
            return known[above].value
        above = posixpath.dirname(above)
    blob = snapshot.blob(path)
    return None if blob is None else blob.hex()


def _value(reader: Reader, snapshot: Snapshot, file: str, name: str) -> str | None:
    """Read one value of a file in Git, by its dotted name."""
    blob = snapshot.blob(file)
    if blob is None:
        return None
    value = reader.file(snapshot, file, blob).values.get(name)
    return None if value is None else str(value)
