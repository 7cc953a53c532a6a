"""What changed before the metrics: params, code, data, stages and what they cost."""

from __future__ import annotations

from fivefold.history.conventions import CODE_SECTION, COST_FILE, code_fingerprints, cost
from fivefold.history.diff.changes import CostChange, DataChange, ParamChange, StageChange
from fivefold.history.diff.sides import Side
from fivefold.history.dvc.lock import Hash, Lock
from fivefold.history.dvc.values import flatten, same

__all__ = [
    "code_changes",
    "cost_changes",
    "data_changes",
    "lineage",
    "param_changes",
    "stage_changes",
]


def param_changes(left: Side, right: Side) -> tuple[ParamChange, ...]:
    """Give the params that differ, but for the fingerprints of code."""
    found = []
    for file in dict.fromkeys((*right.params, *left.params)):
        old, new = left.params.get(file), right.params.get(file)
        before, after = (old.values if old else {}), (new.values if new else {})
        if (old and old.error and not old.missing) or (new and new.error and not new.missing):
            # The notes say that the file can't be read; all its params would seem removed.
            continue
        fingerprints = bool(code_fingerprints({file: new} if new else {}))
        for name in dict.fromkeys((*after, *before)):
            if fingerprints and name.startswith(f"{CODE_SECTION}."):
                continue
            if name not in before:
                found.append(ParamChange(file, name, None, after[name], "added"))
            elif name not in after:
                found.append(ParamChange(file, name, before[name], None, "removed"))
            elif not same(before[name], after[name]):
                found.append(ParamChange(file, name, before[name], after[name], "changed"))
    return tuple(found)


def code_changes(left: Side, right: Side) -> tuple[str, ...]:
    """Name the stages whose code differs."""
    before, after = code_fingerprints(left.params), code_fingerprints(right.params)
    return tuple(
        stage for stage in dict.fromkeys((*after, *before)) if before.get(stage) != after.get(stage)
    )


def data_changes(left: Side, right: Side, *, inputs: bool) -> tuple[DataChange, ...]:
    """Compare hashes: of the data that DVC keeps, or of the inputs that it doesn't."""
    before, after = (_inputs(s) if inputs else _kept(s) for s in (left, right))
    return tuple(
        DataChange(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if (before[path].value if path in before else None)
        != (after[path].value if path in after else None)
    )


def _kept(side: Side) -> dict[str, Hash]:
    return {path: item for path, item in side.lock.outs().items() if path in side.cached}


def _inputs(side: Side) -> dict[str, Hash]:
    outs = side.lock.outs()
    deps = {path: item for s in side.lock.stages.values() for path, item in s.deps.items()}
    return {path: item for path, item in deps.items() if path not in outs}


def stage_changes(left: Lock, right: Lock) -> tuple[StageChange, ...]:
    """Give the stages that were added, removed or ran again, by what the locks say."""
    found = []
    for name in dict.fromkeys((*right.stages, *left.stages)):
        old, new = left.stages.get(name), right.stages.get(name)
        if old is None or new is None:
            found.append(StageChange(name, "removed" if new is None else "added"))
            continue
        because = []
        if old.command != new.command:
            because.append("command")
        because.extend(
            path
            for path in sorted(old.deps.keys() | new.deps.keys())
            if _value(old.deps.get(path)) != _value(new.deps.get(path))
        )
        for file in sorted(old.params.keys() | new.params.keys()):
            before = flatten(old.params.get(file, {}))
            after = flatten(new.params.get(file, {}))
            because.extend(
                f"code of {key.removeprefix(f'{CODE_SECTION}.')}"
                if key.startswith(f"{CODE_SECTION}.")
                else str(key)
                for key in sorted(before.keys() | after.keys(), key=str)
                if not same(before.get(key), after.get(key))
            )
        wrote = {path: _value(item) for path, item in old.outs.items()} != {
            path: _value(item) for path, item in new.outs.items()
        }
        if because or wrote:
            found.append(StageChange(name, "re-run", tuple(because)))
    return tuple(found)


def lineage(lock: Lock) -> tuple[tuple[str, str], ...]:
    """Give the edges of the pipeline: a stage, and one that reads what it writes."""
    writers = {path: name for name, stage in lock.stages.items() for path in stage.outs}
    edges = [
        (writers[path], name)
        for name, stage in lock.stages.items()
        for path in (*stage.deps, *stage.params)
        if path in writers and writers[path] != name
    ]
    return tuple(dict.fromkeys(edges))


def _value(item: Hash | None) -> str | None:
    return item.value if item else None


def cost_changes(left: Side, right: Side) -> tuple[CostChange, ...]:
    """Give what each stage cost on both sides."""
    before, after = (cost(side.metrics.get(COST_FILE)) for side in (left, right))
    found = []
    for stage in dict.fromkeys((*after, *before)):
        old, new = before.get(stage, {}), after.get(stage, {})
        found.append(
            CostChange(
                stage,
                old.get("seconds"),
                new.get("seconds"),
                old.get("peak_memory_mb"),
                new.get("peak_memory_mb"),
                old.get("cost"),
                new.get("cost"),
            )
        )
    return tuple(found)
