"""The runs as the browser's scripts read them: JSON, with equal parts written once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fivefold.history.conventions import CODE_SECTION
from fivefold.history.dvc.values import flatten
from fivefold.history.figures import as_json
from fivefold.history.intervals import METHOD
from fivefold.history.site.gather import Entry, Site

__all__ = ["data_script", "script_json"]


def script_json(value: object) -> str:
    """Write JSON that may stand in any script: no ``<``, ``>``, ``&`` and no line separator."""
    text = json.dumps(as_json(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class _Pool:
    """Values that many runs share, each kept once and named by its place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def add(self, value: Any) -> int:
        plain = as_json(value)
        key = json.dumps(plain, sort_keys=False)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.values)
            self.values.append(plain)
        return place


def data_script(site: Site) -> str:
    """Give the script that hands all runs to the pages; it assigns ``window.FIVEFOLD``."""
    pool = _Pool()
    directions: dict[str, list[str | None]] = {}
    for entry in site.entries:
        for name in entry.details.metrics:
            if name not in directions:
                found = entry.goals.direction(name)
                directions[name] = [found.goal, found.source]
    data = {
        "project": site.name,
        "commit": site.commit,
        "method": METHOD,
        "boards": [
            {
                "name": board.name,
                "metric": board.found.board.primary,
                "goal": board.found.board.goal,
                "runs": [row.run.id for row in board.rows],
            }
            for board in site.boards
            if board.found
        ],
        "goals": directions,
        "runs": [_record(site, entry, pool) for entry in site.entries],
    }
    # The runs fill the pool, so it is written last.
    data["pool"] = pool.values
    return f"window.FIVEFOLD={script_json(data)};\n"


def _record(site: Site, entry: Entry, pool: _Pool) -> dict[str, Any]:
    run, details = entry.run, entry.details
    lock = site.reader.lock(run.snapshot)
    return {
        "id": run.id,
        "page": run.id in site.pages,
        "subject": run.subject,
        "author": run.author,
        "branch": run.branch,
        "time": run.time.isoformat() if run.time else None,
        "model": next((r.model for r in entry.places.values() if r.model), None),
        "ranks": {name: row.rank for name, row in entry.places.items()},
        "status": [details.integrity.status, list(details.integrity.reasons[:3])],
        "problems": list(details.problems),
        "metrics": [
            pool.add([name, m.value, *(m.interval or ())]) for name, m in entry.measures.items()
        ],
        "params": [pool.add(part) for part in _sections(entry.params)],
        "code": pool.add(dict(details.code)),
        "data": [
            pool.add([path, item.value, item.size, item.files])
            for path, item in details.data.items()
        ],
        "stages": [
            pool.add(
                {
                    "name": name,
                    "command": stage.command,
                    "deps": {path: item.value for path, item in stage.deps.items()},
                    "outs": {path: item.value for path, item in stage.outs.items()},
                    "params": _ran(stage.params),
                }
            )
            for name, stage in lock.stages.items()
        ],
        "cost": [
            pool.add([stage, row.get("seconds"), row.get("peak_memory_mb")])
            for stage, row in details.cost.items()
        ],
        "thresholds": dict(entry.plan.thresholds) if entry.plan else {},
        "primary": entry.plan.primary if entry.plan else None,
        "gates": [
            pool.add([g.kind, g.name, g.metric, g.relation, g.limit, g.value, g.passed, g.required])
            for g in entry.gates
        ],
    }


def _sections(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Cut the params into their sections, most of which are the same in most runs."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        found.setdefault(name.rpartition(".")[0], {})[name] = value
    return list(found.values())


def _ran(params: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Flatten the values that a stage ran with; a code fingerprint is named for what it is."""
    found = {}
    for values in params.values():
        for name, value in flatten(dict(values)).items():
            if name.startswith(f"{CODE_SECTION}."):
                found[f"code of {name.removeprefix(f'{CODE_SECTION}.')}"] = value
            else:
                found[name] = value
    return found
