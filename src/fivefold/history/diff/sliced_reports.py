"""The change per slice, by the groups in both revisions' evaluation reports."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from fivefold.history.conventions import EVALUATION_FILE
from fivefold.history.diff.findings import SliceChange
from fivefold.history.git.repository import Revision
from fivefold.history.intervals import change_interval
from fivefold.history.measures import is_number
from fivefold.history.reader import Reader

__all__ = ["read_report", "slices_by_reports"]

# Half of a 95% interval, in standard errors.
_Z = 1.959964


def slices_by_reports(
    reader: Reader, base: Revision, head: Revision, name: str
) -> list[SliceChange]:
    """Compare a metric group by group; p-values and judgements are not yet corrected.

    The two revisions' intervals are taken as independent, which errs towards noise.
    """
    before, after = (_groups(read_report(reader, side, EVALUATION_FILE)) for side in (base, head))
    found = []
    for key, new in after.items():
        old = before.get(key)
        if old is None or not (is_number(old.get(name)) and is_number(new.get(name))):
            continue
        first, second = float(old[name]), float(new[name])
        ends = change_interval(first, _ends(old, name), second, _ends(new, name))
        too_small = bool(old.get("small") or new.get("small"))
        p_value = None
        if ends is not None and not too_small:
            error = (ends[1] - ends[0]) / (2 * _Z)
            p_value = _p_value(second - first, error)
        rows = new.get("rows")
        found.append(
            SliceChange(
                *key,
                rows if isinstance(rows, int) else 0,
                first,
                second,
                second - first,
                None if too_small else ends,
                p_value,
                None,
                "too small",
            )
        )
    return found


def _groups(report: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    sections = report.get("groups")
    found = {}
    for column, section in sections.items() if isinstance(sections, Mapping) else ():
        groups = section.get("groups") if isinstance(section, Mapping) else None
        for group in groups if isinstance(groups, list) else ():
            if isinstance(group, Mapping):
                value = group.get("group")
                found[str(column), "missing" if value is None else str(value)] = group
    return found


def _ends(group: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    intervals = group.get("interval")
    ends = intervals.get(name) if isinstance(intervals, Mapping) else None
    if isinstance(ends, Mapping) and is_number(ends.get("low")) and is_number(ends.get("high")):
        return float(ends["low"]), float(ends["high"])
    return None


def _p_value(change: float, error: float) -> float:
    if error <= 0:
        return 1.0 if change == 0 else 0.0
    return math.erfc(abs(change) / error / math.sqrt(2))


def read_report(reader: Reader, revision: Revision, path: str) -> Mapping[str, Any]:
    """Read a report that a revision committed as JSON; empty where it has none."""
    snapshot = reader.repository.snapshot(revision)
    blob = snapshot.blob(path)
    if blob is None:
        return {}
    try:
        found = json.loads(snapshot.data(blob))
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
