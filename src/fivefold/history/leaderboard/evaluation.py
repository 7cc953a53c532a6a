"""What one run is on a board: its primary metric, what it was judged on, what it misses."""

from __future__ import annotations

import posixpath
import statistics
from typing import Any

from fivefold.history.conventions import decides, model_name
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.leaderboard.board import Board
from fivefold.history.measures import Measure, find_measure, is_number, measure_in
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = ["data_version", "find_primary", "misses", "run_value"]

_HELD_OUT = ("test", "holdout", "held_out", "held-out")


def find_primary(
    reader: Reader, run: Run, board: Board, path: str | None
) -> tuple[Measure | None, list[str]]:
    """Find the metric that ranks a run, with the reasons why it can't rank.

    Parameters
    ----------
    reader : Reader
    run : Run
    board : Board
    path : str or None
        Where the last run had it: where this one has it there too, its other files stay unread.
    """
    sets = board.declaration.evaluations
    if sets:
        return _over_sets(reader, run.snapshot, board, sets)
    remembered = reader.memory.scores(board.primary).get(run.results)
    if remembered is not None:
        return remembered, []
    snapshot = run.snapshot
    measure = None
    # Only where no other file has a say, or what is found would depend on the run before.
    if path is not None and decides(path, reader.declared(snapshot).metrics):
        blob = run.blobs.get(path) or snapshot.blob(path)
        if blob is not None:
            measure = measure_in(reader.file(snapshot, path, blob), path, board.primary)
    absent = False
    if measure is None:
        files = reader.metrics(snapshot)
        measure = find_measure(files, board.primary)
        absent = any(file.missing for file in files.values())
    if measure is not None:
        # What DVC's cache lacks today may be fetched tomorrow, and decide otherwise.
        if is_number(measure.value) and not absent:
            reader.memory.keep_score(board.primary, run.results, measure)
        return measure, []
    broken = [file.error for file in files.values() if file.error and not file.missing]
    return None, [*broken, *reader.declared(snapshot).problems]


def _over_sets(
    reader: Reader, snapshot: Snapshot, board: Board, sets: tuple[str, ...]
) -> tuple[Measure | None, list[str]]:
    """Take the mean over several evaluation sets; who wasn't judged on all of them can't rank."""
    files = reader.metrics(snapshot)
    found = {path: find_measure(files, f"{path}:{board.primary}") for path in sets}
    values = [m.value for m in found.values() if m is not None and is_number(m.value)]
    if not values:
        return None, []
    lacking = [path for path, m in found.items() if m is None or not is_number(m.value)]
    measure = Measure(board.primary, sets[0], statistics.fmean(values))
    if lacking:
        covered = len(sets) - len(lacking)
        return measure, [
            f"judged on {covered} of {len(sets)} evaluation sets, not on {', '.join(lacking)}"
        ]
    return measure, []


def misses(reader: Reader, snapshot: Snapshot, board: Board) -> list[str]:
    """Say which of the board's qualifications a run misses; a missing metric is a miss."""
    if not board.declaration.qualify:
        return []
    files = reader.metrics(snapshot)
    found = []
    for metric, bounds in board.declaration.qualify.items():
        measure = find_measure(files, metric)
        value = measure.value if measure else None
        if not is_number(value):
            found.append(f"{metric} is missing")
            continue
        if "min" in bounds and value < bounds["min"]:
            found.append(f"{metric} {value:.6g} is below {bounds['min']:g}")
        if "max" in bounds and value > bounds["max"]:
            found.append(f"{metric} {value:.6g} is above {bounds['max']:g}")
    return found


def data_version(
    reader: Reader, snapshot: Snapshot, board: Board, metrics_file: str | None
) -> str | None:
    """Give the version of the data that a run was judged on, or None where nothing tells.

    The board names the files; otherwise they are those inputs of the stage that writes the metric
    whose name says that they were held out, such as ``data/test.parquet``.
    """
    lock = reader.lock(snapshot)
    paths = board.declaration.data
    if paths is None:
        if metrics_file is None:
            return None
        deps = [s.deps for s in lock.stages.values() if metrics_file in s.outs]
        paths = tuple(
            path
            for inputs in deps
            for path in inputs
            if any(word in posixpath.basename(path).lower() for word in _HELD_OUT)
        )
    known = lock.outs()
    for stage in lock.stages.values():
        known.update({path: item for path, item in stage.deps.items() if path not in known})
    found = [f"{path} {known[path].value[:8]}" for path in paths if path in known]
    return ", ".join(found) or None


def run_value(reader: Reader, run: Run, name: str) -> Any:
    """Give what a name means for a run: a param, a metric, or a field of the run itself.

    Raises
    ------
    KeyError
        Where the run has nothing of this name.
    """
    params = reader.params(run.snapshot)
    for file in params.values():
        if name in file.values:
            return file.values[name]
    measure = find_measure(reader.metrics(run.snapshot), name)
    if measure is not None:
        return measure.value
    if name in ("branch", "author", "subject"):
        return getattr(run, name)
    if name == "model":
        return model_name(params)
    if name == "commit":
        return run.id
    raise KeyError(name)
