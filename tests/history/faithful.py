"""What ``dvc exp show --json`` tells of each revision, and what we read of it, side by side."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from fivefold.history.dvc.lock import Hash
from fivefold.history.dvc.values import FileValues, flatten, same
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.reader import Reader

from .conftest import Project

Values = dict[tuple[str, str], Any]


def exp_show(project: Project, *options: str) -> dict[str, dict[str, Any]]:
    """Give what DVC shows by commit id, experiments that ran too; one of them is ``workspace``."""
    found: dict[str, dict[str, Any]] = {}
    for commit in json.loads(project.dvc("exp", "show", "--json", *options)):
        found[commit["rev"]] = commit["data"]
        for experiment in commit["experiments"] or ():
            if (experiment["executor"] or {}).get("state") != "queued":
                found.update({item["rev"]: item["data"] for item in experiment["revs"]})
    return found


def metrics_by_dvc(data: dict[str, Any]) -> Values:
    return _dropped(
        {
            (path, name): value
            for path, file in data["metrics"].items()
            for name, value in flatten(file.get("data", {})).items()
        }
    )


def metrics_by_us(files: dict[str, FileValues]) -> Values:
    return _dropped(_flat(files))


def params_by_dvc(data: dict[str, Any]) -> Values:
    return {
        (path, name): value
        for path, file in data["params"].items()
        for name, value in flatten(file.get("data", {})).items()
    }


def params_by_us(files: dict[str, FileValues]) -> Values:
    # JSON has no dates: DVC writes them as text.
    return {
        key: str(value) if isinstance(value, date) else value for key, value in _flat(files).items()
    }


def _flat(files: dict[str, FileValues]) -> Values:
    return {
        (path, name): value
        for path, file in files.items()
        if not file.error
        for name, value in file.values.items()
    }


def _dropped(values: Values) -> Values:
    """DVC drops what isn't a number, a text or a boolean: lists, nulls, dates."""
    return {key: value for key, value in values.items() if isinstance(value, (int, float, str))}


def hashes(found: dict[str, Hash]) -> dict[str, tuple[str, int | None, int | None]]:
    return {path: (item.value, item.size, item.files) for path, item in found.items()}


def assert_as_dvc_shows(reader: Reader, snapshot: Snapshot, data: dict[str, Any]) -> None:
    """Hold metrics, params, outs and dependencies of a revision against what DVC shows."""
    assert_same(metrics_by_us(reader.metrics(snapshot)), metrics_by_dvc(data))
    assert_same(params_by_us(reader.params(snapshot)), params_by_dvc(data))
    lock, declared = reader.lock(snapshot), reader.declared(snapshot)
    others = {o.path for s in declared.stages.values() for o in s.outs if o.kind != "out"}
    outs = {path: item for path, item in lock.outs().items() if path not in others}
    deps = {path: item for s in lock.stages.values() for path, item in s.deps.items()}
    for ours, theirs in ((outs, data["outs"]), (deps, data["deps"])):
        assert hashes(ours) == {
            path: (item["hash"], item["size"], item["nfiles"]) for path, item in theirs.items()
        }


def assert_same(ours: Values, theirs: Values) -> None:
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert same(ours[key], value), (key, ours[key], value)
        # 1 and 1.0 are the same to a reader, but not to the last digit.
        assert type(ours[key]) is type(value), (key, ours[key], value)
