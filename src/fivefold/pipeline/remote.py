"""DVC's default remote: its name, and what the stages' last runs gave, pushed to it."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from fivefold.errors import PipelineError

__all__ = ["default_remote", "push_results"]


def default_remote(root: Path) -> str | None:
    """Give the name of DVC's default remote; None where there is none.

    Parameters
    ----------
    root : Path
        DVC's root.
    """
    from dvc.config import Config

    found = Config(str(root / ".dvc"))["core"].get("remote")
    return str(found) if found else None


def push_results(root: Path) -> None:
    """Push data, models, the run cache, and the reports by which a run can be restored whole.

    ``dvc push --run-cache`` leaves out what only Git keeps, so that another machine would know of
    a run, and yet have to run it again.

    Parameters
    ----------
    root : Path
        DVC's root, with a default remote.

    Raises
    ------
    PipelineError
        The remote refuses, or can't be reached.
    """
    from dvc.repo import Repo
    from dvc.stage.cache import _can_hash

    try:
        # DVC reads the paths of a kept run from where it stands.
        with chdir(root), Repo(str(root)) as repo:
            repo.push(run_cache=True)
            with repo.lock:
                for stage in repo.index.stages:
                    run = repo.stage_cache._load(stage) if _can_hash(stage) else None
                    if run is None:
                        continue
                    kept = repo.stage_cache._create_stage(run, wdir=stage.wdir)
                    for objects in kept.get_used_objs().values():
                        repo.cloud.push(objects)
    except Exception as error:
        # Every kind of storage has its own errors.
        raise PipelineError(
            "the data can't be pushed to DVC's remote",
            where=default_remote(root),
            got=str(error).strip().splitlines()[0] if str(error).strip() else repr(error),
            hint="dvc push -v tells more",
        ) from error
