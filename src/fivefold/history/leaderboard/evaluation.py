"""What one run is on a board: its primary metric, what it was judged on, what it misses."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fivefold.history.checks import Checks, Found
from fivefold.history.conventions import decides, model_name
from fivefold.history.dvc.values import FileValues
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.goals import read_plan
from fivefold.history.integrity import check
from fivefold.history.leaderboard.board import Board
from fivefold.history.leaderboard.candidates import mean_interval
from fivefold.history.leaderboard.judged import data_version
from fivefold.history.measures import Measure, find_measure, is_number, measure_in
from fivefold.history.reader import Reader
from fivefold.history.runs import Run

__all__ = [
    "find_primary",
    "look_into",
    "misses",
    "planned_metric",
    "question_of",
    "run_value",
    "set_measures",
    "tags_of",
]


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
    """Take the mean over several evaluation sets.

    A run that wasn't judged on all of them can't rank, but as part of a candidate.
    """
    found = set_measures(reader, snapshot, board)
    if not found:
        broken = [f.error for f in reader.metrics(snapshot).values() if f.error and not f.missing]
        return None, [*broken, *reader.declared(snapshot).problems]
    measures = list(found.values())
    measure = Measure(
        board.primary,
        measures[0].file,
        statistics.fmean(m.value for m in measures),
        mean_interval([m.interval for m in measures]),
    )
    lacking = [path for path in sets if path not in found]
    if lacking and not board.declaration.by:
        return measure, [
            f"judged on {len(found)} of {len(sets)} evaluation sets, not on {', '.join(lacking)}"
        ]
    return measure, []


def set_measures(reader: Reader, snapshot: Snapshot, board: Board) -> dict[str, Measure]:
    """Give a run's primary metric by evaluation set, for those that have it as a number."""
    files = reader.metrics(snapshot)
    name = board.primary.rpartition(":")[2]
    found = {
        path: measure
        for path in board.declaration.evaluations
        if (measure := find_measure(files, f"{path}:{name}")) is not None
    }
    return {path: measure for path, measure in found.items() if is_number(measure.value)}


def misses(reader: Reader, snapshot: Snapshot, board: Board) -> list[str]:
    """Say which of the board's qualifications a run misses; a missing metric is a miss.

    On a board of several evaluation sets, each that a run was judged on has to meet them.
    """
    if not board.declaration.qualify:
        return []
    files = reader.metrics(snapshot)
    sets = board.declaration.evaluations
    found = []
    for metric, bounds in board.declaration.qualify.items():
        inside = [f"{path}:{metric}" for path in sets if metric in _values(files, path)]
        for name in inside or [metric]:
            measure = find_measure(files, name)
            value = measure.value if measure else None
            if not is_number(value):
                found.append(f"{name} is missing")
                continue
            if "min" in bounds and value < bounds["min"]:
                found.append(f"{name} {value:.6g} is below {bounds['min']:g}")
            if "max" in bounds and value > bounds["max"]:
                found.append(f"{name} {value:.6g} is above {bounds['max']:g}")
    return found


def _values(files: Mapping[str, FileValues], path: str) -> Mapping[str, Any]:
    return files[path].values if path in files else {}


def look_into(
    reader: Reader, checks: Checks, snapshot: Snapshot, board: Board, metrics_file: str
) -> Found:
    """Hold a run against its lock and tell what it was judged by, unless it is remembered.

    Parameters
    ----------
    reader : Reader
    checks : Checks
        What is remembered; what is found is added to it.
    snapshot : Snapshot
    board : Board
    metrics_file : str
        The file of the metric that ranks.
    """
    question = question_of(board, metrics_file)
    found = checks.find(question, snapshot)
    if found is None:
        found = Found(
            check(reader, snapshot),
            data_version(reader, snapshot, board, metrics_file),
            planned_metric(reader, snapshot),
        )
        checks.keep(question, snapshot, found)
    return found


def question_of(board: Board, metrics_file: str) -> str:
    """Name what tells on which data a metric was judged, for `Checks`."""
    return f"{metrics_file} on {board.data} {board.declaration.evaluations}"


def planned_metric(reader: Reader, snapshot: Snapshot) -> str | None:
    """Give the primary metric of the plan that a run was made under, where its params hold one."""
    plan = read_plan(reader.params(snapshot))
    return plan.primary if plan else None


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
    if name == "tag" or name.startswith("tag:"):
        tags = tags_of(reader, run, name.partition(":")[2])
        if tags:
            return ", ".join(tags)
    raise KeyError(name)


def tags_of(reader: Reader, run: Run, pattern: str = "") -> tuple[str, ...]:
    """Give the names of a run's tags, sorted.

    Parameters
    ----------
    reader : Reader
    run : Run
    pattern : str
        Take only tags of this shell pattern, and of those what the first ``*`` stands for:
        ``try/*/*`` gives ``forest`` for ``try/forest/3``. Empty takes whole names.
    """
    names = {
        name for commit in (run.id, *run.also) for name in reader.repository.tags.get(commit, ())
    }
    if pattern:
        found = (_first_star(pattern).fullmatch(name) for name in names)
        names = {match[1] if match.re.groups else match[0] for match in found if match}
    return tuple(sorted(names))


@lru_cache(maxsize=16)
def _first_star(pattern: str) -> re.Pattern[str]:
    """Make a regular expression of a shell pattern, whose only group is its first star."""
    escaped = re.escape(pattern).replace(r"\?", ".")
    before, star, after = escaped.partition(r"\*")
    rest = after.replace(r"\*", ".*?")
    return re.compile(f"{before}(.*?){rest}" if star else before, re.DOTALL)
