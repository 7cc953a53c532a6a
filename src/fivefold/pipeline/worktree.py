"""A run of the past in a worktree of its own, with this project's cache, to look at and to run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from fivefold.errors import PipelineError
from fivefold.pipeline.environment import differences as environment_differences
from fivefold.pipeline.integrity import LOCK, load_lock
from fivefold.pipeline.verify import lock_differences, run_dvc, run_git

__all__ = ["put", "rerun"]


def put(root: Path, commit: str, folder: Path | None, *, say: Callable[[str], None]) -> Path:
    """Check a commit out into a new Git worktree that shares this project's cache and remotes.

    Parameters
    ----------
    root : Path
        The project.
    commit : str
        The commit's id.
    folder : Path, optional
        A folder that is not there yet, or empty; ``<project>-<commit>`` beside the repository by
        default.
    say : callable
        Takes one line of progress.

    Returns
    -------
    Path
        The project in the worktree.

    Raises
    ------
    PipelineError
        The folder is taken, or the commit holds no project.
    """
    top = Path(run_git(root, "rev-parse", "--show-toplevel")).resolve()
    inside = root.resolve().relative_to(top)
    target = (folder or top.with_name(f"{top.name}-{commit[:7]}")).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PipelineError(
            "the worktree's folder is taken",
            where=str(target),
            hint=f"name another one, or remove it: git worktree remove {target}",
        )
    if not run_git(root, "ls-tree", commit, "--", str(top / inside / "dvc.yaml")):
        raise PipelineError("the commit has no dvc.yaml here", got=commit[:10])
    run_git(root, "worktree", "add", "--quiet", "--detach", str(target), commit)
    project = target / inside
    _share(root, project)
    say(f"{commit[:10]} is in {project}")
    for line in environment_differences(project):
        say(f"this environment differs from the run's: {line}")
    try:
        run_dvc(project, "checkout", "--quiet")
    except PipelineError:
        say("the files above are not in the cache here: dvc pull, where a remote has them")
    return project


def rerun(project: Path, *, say: Callable[[str], None]) -> list[str]:
    """Run the whole pipeline of a worktree anew; give a line for each difference from its claims.

    Raises
    ------
    PipelineError
        The pipeline fails, or the commit claims no results.
    """
    if not (project / LOCK).is_file():
        raise PipelineError(
            "the run has no dvc.lock: it claims no results", where=str(project / LOCK)
        )
    claimed = load_lock(project)
    say("running its pipeline")
    run_dvc(project, "repro", "--force", "--no-run-cache")
    return lock_differences(claimed, load_lock(project))


def _share(root: Path, project: Path) -> None:
    """Give a worktree the cache and the settings that are this machine's alone."""
    own = root / ".dvc"
    settings = own / "config.local"
    if settings.is_file():
        shutil.copyfile(settings, project / ".dvc" / "config.local")
    run_dvc(project, "cache", "dir", "--local", "--quiet", str(_cache(root)))


def _cache(root: Path) -> Path:
    """Ask DVC where the project's cache is."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local.path).parents[1]
