"""Forges on loopback, and the folder of a report."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fivefold.forge.artifact import Artifact, Verdict, write_artifact
from fivefold.forge.environment import Proposal
from fivefold.history.diff.sections import ReportSection
from fivefold.history.tables import Column, Table, Text
from tests.forge import github_server, gitlab_server
from tests.forge.description import cut
from tests.forge.github_server import HEAD, GitHubServer
from tests.forge.gitlab_server import GitLabServer
from tests.forge.server import TOKEN
from tests.history.conftest import flights, flights_made  # noqa: F401  fixtures

_HERE = Path(__file__).parent
_MODULES = _HERE / "node_modules"
_HINT = (
    "GitHub's description or its mock server is missing; install them (node 18.20 or newer): "
    "npm ci --ignore-scripts --prefix tests/forge"
)


@dataclass(frozen=True)
class Mock:
    """A running mock server, and the description that it serves."""

    address: str
    document: dict[str, Any]


@pytest.fixture(scope="session")
def github_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    yield from _mock("api.github.com.json", tmp_path_factory.mktemp("github"))


@pytest.fixture(scope="session")
def enterprise_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    yield from _mock("ghes-3.17.json", tmp_path_factory.mktemp("enterprise"))


def _mock(name: str, folder: Path) -> Iterator[Mock]:
    program = _MODULES / "@stoplight/prism-cli/dist/index.js"
    description = _MODULES / "@octokit/openapi/generated" / name
    node = shutil.which("node")
    if node is None or not program.exists() or not description.exists():
        if os.environ.get("CI"):
            pytest.fail(_HINT)
        pytest.skip(_HINT)
    document = cut(description)
    path, log = folder / "openapi.json", folder / "log.txt"
    path.write_text(json.dumps(document))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [node, program, "mock", "--host", "127.0.0.1", "--port", str(port), path]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*map(str, command), "--verboseLevel", "warn"], stdout=out, stderr=out, cwd=folder
        )
    try:
        _await(process, port, log)
        yield Mock(f"http://127.0.0.1:{port}", document)
    finally:
        process.terminate()
        process.wait(30)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the mock server doesn't listen: {log.read_text()}")


@pytest.fixture
def github(github_mock: Mock) -> Iterator[GitHubServer]:
    server = GitHubServer(github_mock.address, github_mock.document)
    with server.served():
        yield server
    assert not server.violations


@pytest.fixture
def gitlab() -> Iterator[GitLabServer]:
    server = GitLabServer()
    with server.served():
        yield server
    assert not server.violations


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def fivefold(tmp_path: Path) -> Callable[..., Ran]:
    """Give a function that runs a command as a job does, and holds its output for the token."""

    def run(*arguments: str | Path, env: dict[str, str], cwd: Path | None = None) -> Ran:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI", "GITLAB"))
        }
        done = subprocess.run(
            ["fivefold", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env={**kept, "PYTHONWARNINGS": "error", **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def github_job(github: GitHubServer, tmp_path: Path) -> dict[str, str]:
    return github_environment(github.api, tmp_path)


def github_environment(api: str, folder: Path, **run: Any) -> dict[str, str]:
    """Give the environment of a job that a finished run of number 7 started."""
    event = folder / "event.json"
    facts = {
        "head_sha": HEAD,
        "head_branch": "forest",
        "head_repository": {"full_name": github_server.REPOSITORY},
        "conclusion": "success",
        "html_url": f"https://github.com/{github_server.REPOSITORY}/actions/runs/5",
        **run,
    }
    event.write_text(json.dumps({"action": "completed", "workflow_run": facts}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": api,
        "GITHUB_REPOSITORY": github_server.REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
    }


@pytest.fixture
def gitlab_job(gitlab: GitLabServer) -> dict[str, str]:
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": gitlab.api,
        "CI_SERVER_URL": "https://gitlab.example",
        "CI_PROJECT_ID": gitlab_server.PROJECT,
        "CI_PROJECT_PATH": gitlab_server.PATH,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "forest",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": gitlab_server.PROJECT,
        "CI_COMMIT_SHA": gitlab_server.HEAD,
        "CI_PIPELINE_URL": "https://gitlab.example/octo/models/flights/-/pipelines/5",
        "FIVEFOLD_GITLAB_TOKEN": TOKEN,
    }


SECTIONS = (
    ReportSection(
        "verdict",
        "",
        (Text("Better: roc_auc 0.671 → 0.68 (+0.009)", "bold"), Text("main → forest", "dim")),
        0,
    ),
    ReportSection(
        "metrics",
        "Metrics",
        (
            Table(
                (Column("metric"), Column("base", number=True), Column("head", number=True)),
                [["roc_auc", "0.671", "0.68"], ["log_loss", "0.44", "0.43"]],
            ),
        ),
        2,
    ),
    ReportSection(
        "params",
        "Params changed",
        (
            Table(
                (Column("param"), Column("head")), [[f"train.p{i}", "x" * 200] for i in range(900)]
            ),
        ),
        4,
        folded=True,
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The report of GitHub's pull request 7."""
    return write_folder(tmp_path / "report")


def write_folder(path: Path, **proposal: Any) -> Path:
    facts = {"forge": "github", "repository": github_server.REPOSITORY, "number": 7}
    found = Proposal(**{**facts, "head_sha": HEAD, **proposal})
    verdict = Verdict("better", True, "better: roc_auc 0.671 → 0.68 (+0.009)")
    write_artifact(path, Artifact(verdict, SECTIONS, found), "# for people\n")
    return path
