"""A project on a forge, and proposals for it: baked and run once, for every rehearsal."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from fivefold.template import create
from tests.forge.conftest import github, github_mock, gitlab  # noqa: F401  fixtures
from tests.forge_rehearsal.runner import Forge, git


@dataclass(frozen=True)
class Hosted:
    """A project, the author's clone of it, and what its forge keeps.

    Attributes
    ----------
    author : Path
        With a branch for every proposal; main is what is merged.
    forge : Forge
    """

    author: Path
    forge: Forge

    def propose(self, branch: str, number: int, *, fork: bool = False) -> str:
        """Push a branch as the forge keeps proposals, and give its commit."""
        head = git(self.author, "rev-parse", branch)
        if not fork:
            git(self.author, "push", "--quiet", "origin", f"{branch}:refs/heads/{branch}")
        git(self.author, "push", "--quiet", "origin", f"{branch}:refs/pull/{number}/head")
        return head


def call(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _author(project: Path, forge: str) -> None:
    """Make a project whose main has a middling model, and a branch for every proposal."""
    list(create(project, example="diabetes", forge=forge))
    config = project / "conf" / "config.yaml"
    edit(config, "- model: ridge", "- model: tree")
    call(project, "dvc", "repro")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "First results")
    for branch, model in (("better", "ridge"), ("worse", "dummy"), ("stale", "forest")):
        git(project, "switch", "--quiet", "--create", branch, "main")
        edit(config, "- model: tree", f"- model: {model}")
        if branch != "stale":
            call(project, "dvc", "repro")
        git(project, "commit", "--quiet", "--all", "--message", f"Try {model}")
    git(project, "switch", "--quiet", "--create", "edited", "better")
    metrics = project / "metrics" / "evaluate.json"
    found = json.loads(metrics.read_text("utf-8"))
    found["root_mean_squared_error"] -= 10
    metrics.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    git(project, "commit", "--quiet", "--all", "--message", "A better number")
    git(project, "switch", "--quiet", "main")


@pytest.fixture(scope="session")
def authored(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    project = shared / "rehearsed" / "progression"
    with FileLock(shared / "rehearsed.lock"):
        if not project.exists():
            making = shared / "rehearsed" / "making" / "progression"
            shutil.rmtree(making, ignore_errors=True)
            _author(making, "github")
            making.rename(project)
    return project


def _hosted(project: Path, folder: Path) -> Hosted:
    author = folder / "author"
    shutil.copytree(project, author, symlinks=True)
    remote = folder / "remote.git"
    git(folder, "init", "--quiet", "--bare", str(remote))
    git(author, "remote", "add", "origin", str(remote))
    git(author, "push", "--quiet", "origin", "main")
    forge = Forge(remote, folder / "caches", folder / "artifacts")
    forge.artifacts.mkdir()
    lock = git(author, "show", "main:dvc.lock") + "\n"
    # What an earlier run on main left.
    key = hashlib.sha256(lock.encode()).hexdigest()
    shutil.copytree(author / ".dvc" / "cache", forge.caches / f"dvc-{key}")
    return Hosted(author, forge)


@pytest.fixture
def hosted(authored: Path, tmp_path: Path) -> Hosted:
    """A project on GitHub."""
    return _hosted(authored, tmp_path)


@pytest.fixture
def hosted_on_gitlab(authored: Path, tmp_path: Path) -> Hosted:
    """The same project with GitLab's file, on main and on every branch."""
    bare = tmp_path / "bare" / authored.name
    list(create(bare, example="diabetes", forge="gitlab"))
    found = _hosted(authored, tmp_path)
    shutil.copyfile(bare / ".gitlab-ci.yml", found.author / ".gitlab-ci.yml")
    return found
