"""Repositories made with Git and DVC themselves, in temporary folders."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fivefold.history.git.repository import Repository
from fivefold.history.reader import Reader

START = 1_700_000_000


@dataclass
class Project:
    """A repository to write to and commit in; each commit is an hour after the last."""

    path: Path
    commits: int = field(default=0)

    def run(self, *command: str, env: dict[str, str] | None = None) -> str:
        import os

        done = subprocess.run(
            command,
            cwd=self.path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def dvc(self, *arguments: str) -> str:
        return self.run("dvc", *arguments)

    def write(self, path: str, content: str | dict[str, Any]) -> None:
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=2) if isinstance(content, dict) else content
        target.write_text(textwrap.dedent(text).lstrip("\n"))

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.path / path).read_text()
        assert old in text
        (self.path / path).write_text(text.replace(old, new))

    def commit(self, message: str, *options: str) -> str:
        self.commits += 1
        date = f"{START + 3600 * self.commits} +0100"
        self.git("add", "--all")
        self.run(
            *("git", "commit", "--quiet", "--message", message, *options),
            env={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
        )
        return self.git("rev-parse", "HEAD")

    def copy(self, path: Path) -> Project:
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path, self.commits)

    def reader(self) -> Reader:
        return Reader(Repository(self.path))


@functools.cache
def initialized() -> dict[str, str]:
    """What ``dvc init`` writes, run once: DVC takes a second to start."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.git("init", "--quiet")
        project.dvc("init", "--quiet")
        return {name: Path(folder, name).read_text() for name in (".dvc/.gitignore", ".dvcignore")}


def start(path: Path, *, dvc: bool = True) -> Project:
    path.mkdir(parents=True, exist_ok=True)
    project = Project(path)
    project.git("init", "--quiet")
    if dvc:
        for name, content in initialized().items():
            project.write(name, content)
        project.write(".dvc/config", "[core]\n    analytics = false\n    check_update = false\n")
    return project


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., Project]:
    return lambda name="project", **options: start(tmp_path / name, **options)


# A pipeline of the shape that Fivefold's is, quick to run: what a stage writes follows from its
# params and its code, so that every change is one that a real run would make.
EVALUATE = """
    import json, pathlib, yaml
    params = yaml.safe_load(open("params.yaml"))
    rows = [float(line) for line in open("data/clean.csv")]
    skill = {"logistic": 0.02, "tree": 0.0, "forest": 0.05}[params["train"]["model"]]
    auc = 0.6 + skill + params["train"]["depth"] / 1000
    out = {
        "rows": len(rows),
        "roc_auc": auc,
        "log_loss": 1 - auc,
        "mean": sum(rows) / len(rows),
        "interval": {"roc_auc": {"low": auc - 0.01, "high": auc + 0.01}},
        "baseline": {"roc_auc": 0.5},
    }
    pathlib.Path("metrics").mkdir(exist_ok=True)
    json.dump(out, open("metrics/evaluate.json", "w"), indent=2)
"""

CLEAN = """
    import pathlib, yaml
    params = yaml.safe_load(open("params.yaml"))
    rows = range(params["clean"]["rows"])
    open("data/clean.csv", "w").write("".join(f"{row * 0.5}\\n" for row in rows))
"""

PIPELINE = """
    stages:
      clean:
        cmd: python clean.py
        params: [clean, code.clean]
        outs: [data/clean.csv]
      evaluate:
        cmd: python evaluate.py
        deps: [data/clean.csv, evaluate.py]
        params: [train, code.evaluate]
        metrics:
          - metrics/evaluate.json: {cache: false}
    metrics:
      - metrics/profile.json
"""

PARAMS = """
    plan:
      name: demo
      task: binary
      target: late
      primary_metric: roc_auc
      metrics: [log_loss]
      thresholds: {acceptable: 0.61, excellent: 0.9}
      guardrails: {log_loss: {max: 0.5}}
    clean: {rows: 100}
    train: {model: logistic, depth: 3}
    code: {clean: aaaa, evaluate: bbbb}
"""


def profile(seconds: float) -> dict[str, dict[str, float]]:
    return {
        "clean": {"seconds": 0.25, "peak_memory_mb": 40.0},
        "evaluate": {"seconds": seconds, "peak_memory_mb": 80.0},
    }


@pytest.fixture(scope="session")
def flights_made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """main: logistic, deeper; forest: a forest on main's first run, checked out and clean."""
    project = start(tmp_path_factory.mktemp("made") / "flights")
    project.write("clean.py", CLEAN)
    project.write("evaluate.py", EVALUATE)
    project.write("dvc.yaml", PIPELINE)
    project.write("params.yaml", PARAMS)
    project.write("data/.gitkeep", "")
    project.dvc("repro", "--quiet")
    project.write("metrics/profile.json", profile(1.5))
    project.commit("Start with a logistic regression")
    project.git("switch", "--quiet", "--create", "forest")
    project.edit("params.yaml", "logistic", "forest")
    project.dvc("repro", "--quiet")
    project.write("metrics/profile.json", profile(70.0))
    project.commit("Try a forest")
    project.git("switch", "--quiet", "main")
    project.dvc("checkout", "--quiet")
    project.edit("params.yaml", "depth: 3", "depth: 5")
    project.dvc("repro", "--quiet")
    project.commit("Go deeper")
    project.git("switch", "--quiet", "forest")
    project.dvc("checkout", "--quiet")
    return project


@pytest.fixture
def flights(flights_made: Project, tmp_path: Path) -> Project:
    return flights_made.copy(tmp_path / "flights")


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve folders over HTTP from this machine, and give their addresses."""
    servers: list[ThreadingHTTPServer] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    def start_one(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start_one
    for server in servers:
        server.shutdown()
        server.server_close()
