"""The model of a revision: its name, its files by hash, and how it differs from another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.errors import HistoryError, PipelineError
from fivefold.history.conventions import model_name
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.reader import Reader
from fivefold.pipeline.typed import typed
from fivefold.policy import SECTION, ReviewConfig
from fivefold.registry.versions import Bump

__all__ = ["Model", "artifact_name", "bump_between", "read_model", "read_policy"]

_OBJECTIVE = "reports/objective.json"
_EXPORT = "reports/export.json"
_SIGNATURE = ("inputs", "outputs", "classes")


@dataclass(frozen=True)
class Model:
    """What is registered.

    Attributes
    ----------
    files : dict of str to str
        Hash by path, as ``dvc.lock`` vouches for it.
    kind : str or None
        The candidate that was trained.
    data : dict of str to str
        Hash by path of the data that it was fitted to.
    contract : dict of str to object
        What callers rely on: task, target and primary metric, and the exported model's inputs,
        outputs and classes; what the revision doesn't hold is None.
    """

    files: Mapping[str, str]
    kind: str | None
    data: Mapping[str, str]
    contract: Mapping[str, Any]


def read_policy(reader: Reader, snapshot: Snapshot) -> ReviewConfig:
    """Read how a revision wants to be reviewed and released; the defaults where it doesn't say.

    Raises
    ------
    ConfigError
        The section has an unknown key or a wrong value.
    """
    for file in reader.params(snapshot).values():
        section = file.raw.get(SECTION) if isinstance(file.raw, Mapping) else None
        if isinstance(section, Mapping):
            policy: ReviewConfig = typed(ReviewConfig, section, SECTION)
            return policy
    return ReviewConfig()


def read_model(reader: Reader, snapshot: Snapshot, paths: list[str]) -> Model:
    """Read the model that a revision's ``dvc.lock`` vouches for.

    Parameters
    ----------
    reader : Reader
    snapshot : Snapshot
    paths : list of str
        Its files, as outputs of stages.

    Raises
    ------
    HistoryError
        No stage wrote any of them.
    """
    lock = reader.lock(snapshot)
    outs = lock.outs()
    files = {path: outs[path].value for path in paths if path in outs}
    if not files:
        raise HistoryError(
            "no stage has written a model",
            where=f"dvc.lock; {SECTION}.model names {', '.join(paths)}",
            allowed="outputs of stages",
            hint="dvc repro, and commit dvc.lock; or name the model's files in conf/review.yaml",
        )
    data = {
        path: item.value
        for stage in lock.stages.values()
        # What writes a model from another (an export) is fitted to nothing.
        if stage.outs.keys() & files.keys() and not stage.deps.keys() & files.keys()
        for path, item in stage.deps.items()
        # What Git keeps (reports, code) describes the data, and isn't data.
        if path in outs and path not in files and snapshot.blob(path) is None
    }
    objective, export = (_json(reader, snapshot, path) for path in (_OBJECTIVE, _EXPORT))
    return Model(
        files,
        model_name(reader.params(snapshot)),
        data,
        {
            **{key: objective.get(key) for key in ("task", "target", "primary_metric")},
            **{key: export.get(key) for key in _SIGNATURE},
        },
    )


def _json(reader: Reader, snapshot: Snapshot, path: str) -> Mapping[str, Any]:
    blob = snapshot.blob(path)
    raw = reader.file(snapshot, path, blob).raw if blob is not None else None
    return raw if isinstance(raw, Mapping) else {}


def bump_between(old: Model, new: Model) -> tuple[Bump, str]:
    """Say which part of the version the difference of two models raises, and why.

    Returns
    -------
    bump, reason : str
        ``major`` where callers may break: the task, the target, the metric it is judged by, or the
        exported inputs and outputs changed. ``minor`` where it is a model of another kind or was
        fitted to other data. ``patch`` otherwise.
    """
    broken = [
        key
        for key, value in new.contract.items()
        if value is not None
        and old.contract.get(key) is not None
        and value != old.contract.get(key)
    ]
    if broken:
        return "major", f"{' and '.join(key.replace('_', ' ') for key in broken)} changed"
    if old.kind != new.kind:
        return "minor", f"{old.kind} became {new.kind}"
    if old.data != new.data:
        changed = [path for path in new.data if old.data.get(path) != new.data[path]]
        return "minor", f"other data: {', '.join(changed) or 'less of it'}"
    return "patch", "the same kind of model, on the same data"


def artifact_name(reader: Reader, snapshot: Snapshot, paths: list[str]) -> str:
    """Name the model as ``dvc.yaml`` does under ``artifacts``, where GTO and DVC look for it.

    Raises
    ------
    PipelineError
        No artifact there is one of the model's files, or several are.
    """
    blob = snapshot.blob("dvc.yaml")
    raw = reader.file(snapshot, "dvc.yaml", blob).raw if blob is not None else None
    declared = raw.get("artifacts") if isinstance(raw, Mapping) else None
    names = [
        str(name)
        for name, entry in (declared.items() if isinstance(declared, Mapping) else ())
        if isinstance(entry, Mapping) and entry.get("path") in paths
    ]
    if len(names) != 1:
        raise PipelineError(
            "dvc.yaml names the model more than once"
            if names
            else "dvc.yaml names no artifact that is the model",
            where="dvc.yaml: artifacts",
            got=", ".join(names) or "none",
            allowed=f"one artifact whose path is {' or '.join(paths)}",
            hint=f"in dvc.yaml, under artifacts: my-model: {{path: {paths[0]}, type: model}}",
        )
    return names[0]
