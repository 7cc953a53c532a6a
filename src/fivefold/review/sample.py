"""Run a few stages of a commit again, in a clean clone, and compare what they give."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fivefold.errors import IntegrityError, PipelineError
from fivefold.pipeline.integrity import LOCK, load_lock
from fivefold.pipeline.stages import COMPOSE
from fivefold.pipeline.verify import run_dvc
from fivefold.review.comparing import compare, content_hash, json_outputs, outs

__all__ = ["Sampled", "draw", "print_sample", "verify_sample"]

_LOCAL = Path(".dvc") / "config.local"


@dataclass(frozen=True)
class Sampled:
    """What a sample found.

    Attributes
    ----------
    commit : str
    drawn : tuple of str
        The stages that were to be run again.
    ran : tuple of str
        These, and before them what makes inputs that were nowhere at hand.
    differences : tuple of str
        A line per output that differs; empty where all are the same.
    close : tuple of str
        Outputs whose bytes differ within the tolerance, or that it lets pass.
    """

    commit: str
    drawn: tuple[str, ...]
    ran: tuple[str, ...]
    differences: tuple[str, ...]
    close: tuple[str, ...] = ()


def verify_sample(
    root: Path,
    revision: str = "HEAD",
    *,
    count: int,
    base: str | None = None,
    tolerance: float = 0.0,
    say: Callable[[str], None] = print,
) -> Sampled:
    """Run a few of a commit's stages again and compare their outputs with ``dvc.lock``.

    Inputs come from DVC's cache here or its remote; one that is in neither is made by the stage
    that writes it, which then counts as run. What the stages give goes into the cache here.

    Parameters
    ----------
    root : Path
        A project in a Git repository.
    revision : str
        The commit.
    count : int
        How many stages; all where there are fewer.
    base : str, optional
        Draw only stages whose entry in ``dvc.lock`` differs from this commit's, if any does.
    tolerance : float
        See :class:`fivefold.policy.ReviewConfig`.
    say : callable
        Takes one line of progress.

    Raises
    ------
    PipelineError
        The commit claims no results, or a stage fails.
    IntegrityError
        An input is nowhere at hand, or in the cache and not what ``dvc.lock`` vouches for.
    """
    commit = _git(root, "rev-parse", "--verify", f"{revision}^{{commit}}")
    folder = Path(tempfile.mkdtemp(prefix="fivefold-sample-"))
    try:
        project = _clone(root, commit, folder / "clone")
        claimed = _stages(load_lock(project))
        if not claimed:
            raise PipelineError(
                "the commit has no dvc.lock: it claims no results",
                where=f"{commit[:10]}:{LOCK}",
                hint="dvc repro, then git add dvc.lock and commit",
            )
        drawn = draw(claimed, commit, count, _locked_at(root, base) if base else {})
        run = _Run(project, claimed)
        order = run.plan(drawn)
        before = {
            path: (project / path).read_bytes() for path in json_outputs(claimed, order, project)
        }
        for name in order:
            say(f"running {name} of {commit[:10]} again")
            run.once(name)
        found = _stages(load_lock(project))
        differences, close = compare(project, claimed, found, order, before, tolerance)
        return Sampled(commit, drawn, order, differences, close)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def print_sample(root: Path, revision: str, count: int) -> bool:
    """Verify a sample for the command line, and say whether all is the same."""
    found = verify_sample(root, revision, count=count)
    for line in found.differences:
        sys.stdout.write(f"{line}\n")
    names, short = ", ".join(found.drawn), found.commit[:10]
    if found.differences:
        sys.stderr.write(f"{short} does not give its own results\n")
        return False
    sys.stdout.write(f"{short} gives its own results in {names}\n")
    return True


def draw(
    claimed: Mapping[str, Any], commit: str, count: int, base: Mapping[str, Any]
) -> tuple[str, ...]:
    """Draw stages by the commit's id: the same ones for everyone who asks, and not to be guessed.

    Parameters
    ----------
    claimed, base : mapping
        The stages of ``dvc.lock`` here and at the base; no base is an empty one.
    commit : str
    count : int
    """
    names = [name for name in claimed if name != COMPOSE]
    changed = [name for name in names if claimed[name] != base.get(name)] if base else []
    by_hash = sorted(
        changed or names, key=lambda name: hashlib.sha256(f"{commit} {name}".encode()).digest()
    )
    return tuple(sorted(by_hash[:count], key=_topological(claimed).index))


class _Run:
    """The stages of one clone, run one by one."""

    def __init__(self, project: Path, claimed: Mapping[str, Any]) -> None:
        self.project = project
        self.claimed = claimed
        self.cache = Path(_dvc(project, "cache", "dir").strip())
        self.hashes = {out["path"]: out for s in claimed.values() for out in s.get("outs") or []}
        self.writers = {
            out["path"]: name for name, s in claimed.items() for out in s.get("outs") or []
        }

    def plan(self, drawn: Iterable[str]) -> tuple[str, ...]:
        """Find what has to run for the drawn stages, inputs first, and fetch the other inputs."""
        order = _topological(self.claimed)
        needed = set(drawn)
        wanted = set()
        for name in reversed(order):
            if name in needed:
                for path in self._absent(name):
                    if self._at_hand(path):
                        wanted.add(path)
                    elif path in self.writers:
                        needed.add(self.writers[path])
        # What one of them writes must come from there, so that the chain is one.
        wanted = {path for path in wanted if self.writers.get(path) not in needed}
        if wanted:
            _dvc(self.project, "checkout", *sorted(wanted))
            self._require_sound(wanted)
        return tuple(name for name in order if name in needed)

    def once(self, name: str) -> None:
        """Run one stage, whatever ran before.

        Raises
        ------
        IntegrityError
            One of its inputs is nowhere at hand.
        """
        missing = [
            dep["path"]
            for dep in self.claimed[name].get("deps") or []
            if not (self.project / dep["path"]).exists()
        ]
        if missing:
            raise IntegrityError(
                f"stage {name} can't be run again: its inputs are nowhere at hand",
                where=", ".join(missing),
                allowed="in DVC's cache here, or in its remote",
                hint="dvc push, where the data are; and give this machine access to the remote",
            )
        options = ("--single-item", "--force", "--no-run-cache")
        run_dvc(self.project, "repro", *options, name, on_stderr=True)

    def _absent(self, name: str) -> list[str]:
        deps = self.claimed[name].get("deps") or []
        return [dep["path"] for dep in deps if not (self.project / dep["path"]).exists()]

    def _at_hand(self, path: str) -> bool:
        """Tell whether the cache holds a path, fetching it from the remote where it doesn't."""
        return self._cached(path) or (
            _remotes(self.project) and _try_dvc(self.project, "fetch", path) and self._cached(path)
        )

    def _cached(self, path: str) -> bool:
        value = self.hashes.get(path, {}).get("md5")
        if value is None:
            return _try_dvc(self.project, "checkout", path)
        name = self.cache / "files" / "md5" / value[:2] / value[2:]
        if not name.is_file():
            return False
        if not value.endswith(".dir"):
            return True
        inside = json.loads(name.read_text(encoding="utf-8"))
        return all(
            (self.cache / "files" / "md5" / item["md5"][:2] / item["md5"][2:]).is_file()
            for item in inside
        )

    def _require_sound(self, paths: Iterable[str]) -> None:
        """Refuse an input that isn't what the lock vouches for: DVC trusts its cache unseen."""
        for path in sorted(paths):
            expected = self.hashes.get(path, {}).get("md5")
            if expected is not None and content_hash(self.project / path) != expected:
                raise IntegrityError(
                    "the cache holds something else than dvc.lock vouches for",
                    where=path,
                    got=f"md5 {content_hash(self.project / path)}",
                    allowed=f"md5 {expected}",
                    hint="empty the cache and fetch it anew, or run the stage that writes it",
                )


def _topological(claimed: Mapping[str, Any]) -> list[str]:
    """Order stages so that each follows what it reads."""
    writers = {path: name for name, stage in claimed.items() for path in outs(stage)}
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for dep in claimed[name].get("deps") or []:
            if dep["path"] in writers and writers[dep["path"]] != name:
                visit(writers[dep["path"]])
        order.append(name)

    for name in claimed:
        visit(name)
    return order


def _stages(lock: Mapping[str, Any]) -> dict[str, Any]:
    return dict(lock.get("stages") or {})


def _locked_at(root: Path, revision: str) -> dict[str, Any]:
    """Read the stages of another commit's lock; none where it has no lock."""
    top = Path(_git(root, "rev-parse", "--show-toplevel"))
    inside = root.resolve().relative_to(top.resolve()).as_posix()
    path = LOCK if inside == "." else f"{inside}/{LOCK}"
    commit = _git(root, "merge-base", revision, "HEAD")
    done = subprocess.run(
        ["git", "-C", str(root), "show", f"{commit}:{path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return _stages(yaml.safe_load(done.stdout) or {}) if done.returncode == 0 else {}


def _clone(root: Path, commit: str, folder: Path) -> Path:
    """Check a commit out elsewhere, on the cache and the remotes that are set up here."""
    top = Path(_git(root, "rev-parse", "--show-toplevel"))
    _git(root, "clone", "--quiet", "--no-hardlinks", "--no-checkout", str(top), str(folder))
    _git(folder, "checkout", "--quiet", "--detach", commit)
    project = folder / root.resolve().relative_to(top.resolve())
    if (root / _LOCAL).is_file():
        shutil.copyfile(root / _LOCAL, project / _LOCAL)
    cache = _dvc(root, "cache", "dir").strip()
    _dvc(project, "cache", "dir", "--local", str((root / cache).resolve()))
    return project


def _remotes(project: Path) -> bool:
    return bool(_dvc(project, "remote", "list").strip())


def _dvc(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PipelineError(
            f"dvc {arguments[0]} failed", where=str(folder), got=done.stderr.strip()[-500:]
        )
    return done.stdout


def _try_dvc(folder: Path, *arguments: str) -> bool:
    try:
        _dvc(folder, *arguments)
    except PipelineError:
        return False
    return True


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise IntegrityError(
            f"git {arguments[0]} failed",
            where=str(folder),
            got=done.stderr.strip().removeprefix("fatal: "),
        )
    return done.stdout.strip()
