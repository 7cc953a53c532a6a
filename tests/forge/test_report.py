"""`fivefold pr report`: what a proposal's own run leaves, and that it can be published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fivefold.forge.report import MOST_SUMMARY
from tests.forge.conftest import Ran, github_environment
from tests.forge.github_server import REPOSITORY, GitHubServer
from tests.forge.gitlab_server import PATH
from tests.history.conftest import Project

Run = Callable[..., Ran]


@pytest.fixture
def checkout(flights: Project, tmp_path: Path) -> Project:
    """The proposal as a job checks it out: a clone, HEAD detached, no local branch."""
    flights.git("clone", "--quiet", "--no-checkout", str(flights.path), str(tmp_path / "clone"))
    found = Project(tmp_path / "clone")
    found.git("checkout", "--quiet", "--detach", "origin/forest")
    for name in found.git("branch", "--format", "%(refname:short)").splitlines():
        if not name.startswith("("):
            found.git("branch", "--quiet", "--delete", "--force", name)
    return found


@pytest.fixture
def job(checkout: Project, tmp_path: Path) -> dict[str, str]:
    """The environment of a job that a pull request started."""
    event = tmp_path / "pull_request.json"
    head = {"sha": checkout.git("rev-parse", "HEAD"), "ref": "forest"}
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": head}}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_BASE_REF": "main",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_a_report_holds_the_diff_the_verdict_and_the_number(
    fivefold: Run, checkout: Project, job: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "summary.md").write_text("# Tests passed\n")
    out = tmp_path / "report"
    done = fivefold("pr", "report", out, env=job, cwd=checkout.path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith("better: roc_auc 0.623 → 0.653")
    assert done.out.splitlines()[1] == f"{out}: the report of pull request 7"
    head = checkout.git("rev-parse", "HEAD")
    assert _read(out, "pull-request.json") == {
        "forge": "github",
        "repository": REPOSITORY,
        "number": 7,
        "head_sha": head,
    }
    verdict = _read(out, "verdict.json")
    assert (verdict["outcome"], verdict["passed"]) == ("better", True)
    assert verdict["base"] == checkout.git("merge-base", "HEAD", "origin/main")
    assert {gate["name"]: gate["state"] for gate in verdict["gates"]}[
        "guardrail.log_loss.max"
    ] == "passed"
    assert "by roc_auc" in verdict["place"]
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert "Better: roc_auc 0.623 → 0.653" in markdown
    names = [section["name"] for section in _read(out, "sections.json")["sections"]]
    assert names[:3] == ["verdict", "gates", "metrics"]
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == f"# Tests passed\n{markdown}"


def test_a_report_is_published(
    fivefold: Run,
    checkout: Project,
    job: dict[str, str],
    github: GitHubServer,
    tmp_path: Path,
) -> None:
    out = tmp_path / "report"
    assert fivefold("pr", "report", out, "--head", "HEAD", env=job, cwd=checkout.path).code == 0
    sha = checkout.git("rev-parse", "HEAD")
    assert _read(out, "verdict.json")["head"] == sha
    github.add_pull(7, sha=sha)
    env = github_environment(github.api, tmp_path, head_sha=sha)
    done = fivefold("pr", "publish", out, env=env)
    assert done.code == 0, done.err
    (comment,), (check,) = github.comments, github.checks
    assert "**Better: roc_auc 0.623 → 0.653" in comment["body"]
    assert "| train.model | logistic | forest |" in comment["body"]
    assert "```mermaid\nflowchart LR\n" in comment["body"]
    assert check["conclusion"] == "success"


def test_a_worse_model_fails_its_check(
    fivefold: Run,
    checkout: Project,
    job: dict[str, str],
    github: GitHubServer,
    tmp_path: Path,
) -> None:
    out = tmp_path / "report"
    compared = ("--base", "origin/forest", "--head", "origin/main")
    done = fivefold("pr", "report", out, *compared, env=job, cwd=checkout.path)
    # The verdict is the gate's to give as an exit code.
    assert done.code == 0
    assert _read(out, "verdict.json")["outcome"] == "failed"
    sha = checkout.git("rev-parse", "HEAD")
    github.add_pull(7, sha=sha)
    env = github_environment(github.api, tmp_path, head_sha=sha)
    assert fivefold("pr", "publish", out, env=env).code == 0
    assert github.checks[0]["conclusion"] == "failure"


def test_the_steps_summary_stays_within_its_limit(
    fivefold: Run, checkout: Project, job: dict[str, str], tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    for taken in (MOST_SUMMARY - 1_100, MOST_SUMMARY - 10):
        summary.write_text("x" * (taken - 1) + "\n")
        done = fivefold("pr", "report", tmp_path / "report", env=job, cwd=checkout.path)
        assert done.code == 0
        assert summary.stat().st_size <= MOST_SUMMARY
        assert ("Better" in summary.read_text(encoding="utf-8")) == (taken < MOST_SUMMARY - 1_000)


def test_outside_a_job_there_is_no_pull_request(
    fivefold: Run, flights: Project, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    done = fivefold("pr", "report", out, env={}, cwd=flights.path)
    assert (done.code, done.out.splitlines()[1]) == (0, f"{out}: the report of no pull request")
    assert not (out / "pull-request.json").exists()
    done = fivefold("pr", "publish", out, env={**github_environment("https://localhost", tmp_path)})
    assert done.code == 1
    assert "pull-request.json" in done.err


def test_a_repository_without_a_plan_gets_a_neutral_verdict(
    fivefold: Run, checkout: Project, job: dict[str, str], tmp_path: Path
) -> None:
    checkout.edit("params.yaml", "plan:", "intent:")
    checkout.commit("Ask for nothing")
    done = fivefold("pr", "report", tmp_path / "r", "--base", "HEAD", env=job, cwd=checkout.path)
    assert done.code == 0, done.err
    verdict = _read(tmp_path / "r", "verdict.json")
    assert {gate["kind"] for gate in verdict["gates"]} <= {"integrity"}
    assert verdict["passed"] is None


def test_gitlabs_job_names_the_base_and_the_number(
    fivefold: Run, checkout: Project, tmp_path: Path
) -> None:
    base = checkout.git("merge-base", "HEAD", "origin/main")
    sha = checkout.git("rev-parse", "HEAD")
    env = {
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": PATH,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_COMMIT_SHA": sha,
    }
    out = tmp_path / "report"
    assert fivefold("pr", "report", out, env=env, cwd=checkout.path).code == 0
    expected = {"forge": "gitlab", "repository": PATH, "number": 7, "head_sha": sha}
    assert _read(out, "pull-request.json") == expected
    assert _read(out, "verdict.json")["base"] == base


def test_mistakes_are_one_message(
    fivefold: Run, checkout: Project, job: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    missing = {**job, "GITHUB_BASE_REF": "mian"}
    done = fivefold("pr", "report", out, env=missing, cwd=checkout.path)
    assert done.code == 1
    assert "origin/mian" in done.err
    broken = {**job, "GITHUB_EVENT_PATH": str(tmp_path / "none.json")}
    done = fivefold("pr", "report", out, env=broken, cwd=checkout.path)
    assert done.code == 1
    assert "the event can't be read" in done.err
    assert fivefold("pr", "report", out, env=job, cwd=tmp_path).code == 1
    (tmp_path / "file").write_text("")
    done = fivefold("pr", "report", tmp_path / "file", env=job, cwd=checkout.path)
    assert done.code == 1
    assert "the report can't be written" in done.err
    assert not out.exists()
