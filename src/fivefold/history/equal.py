"""Which revisions hold the same results, and which runs are one."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from fivefold.history.conventions import COST_FILE
from fivefold.history.git.snapshots import BlobId, Snapshot
from fivefold.history.reader import Reader

if TYPE_CHECKING:
    from fivefold.history.runs import Run

__all__ = ["merge_equal", "results_of"]

_NOT_RESULTS = frozenset({COST_FILE})


def results_of(reader: Reader, snapshot: Snapshot) -> tuple[bytes, dict[str, BlobId]]:
    """Give a digest of a revision's results, empty where there are none, and the metrics' blobs."""
    key = reader.results_key(snapshot, without=_NOT_RESULTS)
    if not any(blob for _, blob in key):
        return b"", {}
    metrics = reader.declared(snapshot).metrics
    blobs = {path: blob for path, blob in key if isinstance(blob, bytes) and path in metrics}
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest(), blobs


def merge_equal(reader: Reader, runs: list[Run]) -> list[Run]:
    """Make one run of those with the same results, code and data; the oldest commit stands."""
    often = {digest for digest, count in Counter(run.results for run in runs).items() if count > 1}
    known: dict[tuple[bytes, object], Run] = {}
    kept: list[Run] = []
    for run in reversed(runs):
        # Only results that occur twice are worth the reading of a lock.
        if run.results in often:
            identity = (run.results, _inputs(reader, run.snapshot))
            first = known.setdefault(identity, run)
            if first is not run:
                first.also = (*first.also, run.id)
                continue
        kept.append(run)
    return kept[::-1]


def _inputs(reader: Reader, snapshot: Snapshot) -> bytes:
    """Give a digest of what the stages ran on: hashes, commands and params."""
    key = hashlib.blake2b(repr(reader.lock_key(snapshot)).encode(), digest_size=16).digest()
    # Which of the locked stages count is up to what is declared.
    declared = repr(sorted(reader.declared(snapshot).stages))
    key = hashlib.blake2b(key + declared.encode(), digest_size=16).digest()
    found = reader.memory.inputs(key)
    if found is None:
        lock = reader.lock(snapshot)
        told = (
            sorted(
                (name, path, item.value)
                for name, stage in lock.stages.items()
                for path, item in stage.deps.items()
            ),
            sorted((path, item.value) for path, item in lock.data.items()),
            sorted((name, str(s.command), repr(s.params)) for name, s in lock.stages.items()),
        )
        found = hashlib.blake2b(repr(told).encode(), digest_size=16).digest()
        reader.memory.keep_inputs(key, found)
    return found
