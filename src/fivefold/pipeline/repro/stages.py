"""What DVC does for a stage around its command: order, locks, cache, run cache, lock file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["LockOrder", "fetch_runs", "keep", "paths_locked", "steps"]

_MOST_UNCACHED = 32 << 20


def steps(repo: Any, targets: Sequence[str]) -> tuple[Any, list[Any]]:
    """Give DVC's graph, and the stages in the order in which ``dvc repro`` would take them."""
    from dvc.dvcfile import PROJECT_FILE
    from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

    stages = collect_stages(repo, list(targets) or [PROJECT_FILE])
    graph = get_active_graph(repo.index.graph)
    return graph, plan_repro(graph, stages)


def fetch_runs(repo: Any) -> bool:
    """Fetch the remote's run cache, which is small: what it names is fetched as it is needed."""
    from dvc.stage.cache import RunCacheNotSupported

    if not repo.config["core"].get("remote"):
        return False
    # Over HTTP there are outputs alone.
    with suppress(RunCacheNotSupported):
        repo.stage_cache.pull(None)
    return True


def keep(stage: Any) -> None:
    """Hash the outputs, keep them in the cache and write ``dvc.lock``, as DVC does after a run."""
    stage.save(run_cache=False)
    # DVC keeps no run that has an output for Git alone, which may be large. Reports are small, and
    # a run without its reports could not be restored.
    uncached = (out for out in stage.outs if not (out.use_cache or out.is_metric or out.is_plot))
    if sum(out.meta.size or 0 for out in uncached) <= _MOST_UNCACHED:
        stage.repo.stage_cache.save(stage)
    stage.commit()
    stage.dump(update_pipeline=False)


@contextmanager
def paths_locked(repo: Any, stage: Any) -> Iterator[None]:
    """Hold DVC's locks on what a stage reads and writes, against other DVC commands."""
    import sys

    from dvc.dependency.db import AbstractDependency
    from dvc.dependency.repo import RepoDependency
    from dvc.rwlock import rwlock

    inputs = [
        d.fs_path for d in stage.deps if not isinstance(d, (RepoDependency, AbstractDependency))
    ]
    outputs = [out.fs_path for out in stage.outs]
    hard = repo.config["core"].get("hardlink_lock", False)
    # The same words as DVC's own, which takes these locks again inside and must know them for its.
    with rwlock(repo.tmp_dir, repo.fs, " ".join(sys.argv), inputs, outputs, hard):
        yield


class LockOrder:
    """Puts a lock file's new entries in the order in which a serial run would write them."""

    def __init__(self, order: Sequence[Any]) -> None:
        self._names: dict[str, list[str]] = {}
        self._before: dict[str, list[str]] = {}
        for stage in order:
            if not hasattr(stage, "name") or stage.path_in_repo.endswith(".dvc"):
                continue
            path = os.path.splitext(stage.path)[0] + ".lock"
            self._names.setdefault(path, []).append(stage.name)
        for path in self._names:
            self._before[path] = list(_entries(path))

    def restore(self) -> None:
        """Write the files whose order is another one."""
        from dvc.utils.serialize import modify_yaml

        for path, before in self._before.items():
            now = list(_entries(path))
            old = [name for name in before if name in now]
            new = [name for name in self._names[path] if name in now and name not in before]
            wanted = [*old, *new, *(name for name in now if name not in {*old, *new})]
            if wanted == now:
                continue
            with modify_yaml(path) as data:
                stages = data["stages"]
                for name in wanted:
                    stages[name] = stages.pop(name)


def _entries(path: str) -> Mapping[str, Any]:
    from fivefold.pipeline.project import load_yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    data = load_yaml(text, path)
    stages = data.get("stages") if isinstance(data, dict) else None
    return stages if isinstance(stages, dict) else {}
