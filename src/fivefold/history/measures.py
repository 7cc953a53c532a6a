"""Finding a metric by name among a revision's metrics files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from fivefold.history.conventions import COST_FILE, interval_of, is_annotation, prefer
from fivefold.history.dvc.values import FileValues
from fivefold.history.intervals import Interval

__all__ = ["Measure", "all_measures", "find_measure", "is_number", "measure_in", "names_of"]


class Measure(NamedTuple):
    """One metric of one revision.

    Attributes
    ----------
    name : str
        Dotted name; with ``file:`` in front where several files have it.
    file : str
    value : object
        As in the file: a number as a rule.
    interval : (float, float) or None
        Its 95% confidence interval.
    """

    name: str
    file: str
    value: Any
    interval: Interval | None = None


def is_number(value: Any) -> TypeGuard[int | float]:
    """Tell whether a value can rank: a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        # An integer beyond every float.
        return False


def find_measure(files: Mapping[str, FileValues], name: str) -> Measure | None:
    """Find a metric by its dotted name, or ``file:name``; None where no file has it, or several.

    Of several files the evaluation's (``evaluate.json``) goes before others.
    """
    path, colon, inner = name.partition(":")
    if colon and path in files:
        return _measure(path, files[path], inner, name) if inner in files[path].values else None
    chosen = prefer([path for path, file in files.items() if name in file.values])
    return None if chosen is None else _measure(chosen, files[chosen], name, name)


def measure_in(file: FileValues, path: str, name: str) -> Measure | None:
    """Find a metric in one file, at best without flattening it."""
    if isinstance(file.raw, Mapping) and name in file.raw:
        value = file.raw[name]
        if not isinstance(value, Mapping):
            return Measure(name, path, value, interval_of(file, name))
    return _measure(path, file, name, name) if name in file.values else None


def all_measures(files: Mapping[str, FileValues]) -> dict[str, Measure]:
    """Give every metric of a revision by name, but for costs and what only explains a metric."""
    holders: dict[str, list[str]] = {}
    for path, file in files.items():
        for name in file.values if path != COST_FILE else ():
            if not is_annotation(name):
                holders.setdefault(name, []).append(path)
    found = {}
    for name, paths in holders.items():
        chosen = prefer(paths)
        for path in paths:
            shown = name if path == chosen and name else f"{path}:{name}".rstrip(":")
            found[shown] = _measure(path, files[path], name, shown)
    return found


def names_of(files: Mapping[str, FileValues]) -> list[str]:
    """Give the names of the metrics that can rank, in the order of the files."""
    return [name for name, measure in all_measures(files).items() if is_number(measure.value)]


def _measure(path: str, file: FileValues, name: str, shown: str) -> Measure:
    return Measure(shown, path, file.values[name], interval_of(file, name))
