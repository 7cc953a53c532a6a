"""`fivefold pr open`: one pull request a branch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.forge.conftest import Ran
from tests.forge.github_server import REPOSITORY, GitHubServer
from tests.forge.gitlab_server import GitLabServer
from tests.forge.server import Answer, Fault

Run = Callable[..., Ran]

PULLS = f"/repos/{REPOSITORY}/pulls"
REQUESTS = "/api/v4/projects/42/merge_requests"
OPEN = ("pr", "open", "--title", "Retrain on October", "--branch", "retrain")


def test_a_branch_has_one_pull_request(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "body.md").write_text("Drift in `dep_delay`.\n")
    done = fivefold(*OPEN, "--body", "body.md", env=github_job)
    assert (done.code, done.out) == (0, f"https://github.com/{REPOSITORY}/pull/8: opened\n")
    assert github.sent(f"POST {PULLS}") == [
        {
            "title": "Retrain on October",
            "head": "retrain",
            "base": "main",
            "body": "Drift in `dep_delay`.\n",
        }
    ]
    (tmp_path / "body.md").write_text("Drift in two columns.\n")
    done = fivefold(*OPEN, "--body", "body.md", env=github_job)
    assert (done.code, done.out) == (0, f"https://github.com/{REPOSITORY}/pull/8: updated\n")
    assert len(github.pulls) == 2
    assert github.pulls[8]["body"] == "Drift in two columns.\n"


def test_only_an_open_one_of_this_repository_and_base_is_updated(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str]
) -> None:
    github.add_pull(8, branch="retrain", state="closed")
    github.add_pull(9, branch="retrain", fork="octo/elsewhere")
    github.add_pull(10, branch="retrain", base={"ref": "next", "repo": {"full_name": REPOSITORY}})
    assert fivefold(*OPEN, "--base", "main", env=github_job).out.endswith("pull/11: opened\n")
    assert f"GET /repos/{REPOSITORY}" not in github.lines()


def test_one_that_was_opened_before_a_fault_is_not_opened_twice(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str]
) -> None:
    bad = Answer(502, {"message": "Server Error"})
    github.faults.append(Fault(f"POST {PULLS}", bad, late=True))
    assert fivefold(*OPEN, env=github_job).code == 0
    assert len(github.pulls) == 2


def test_the_forges_reason_is_shown(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str]
) -> None:
    why = "GitHub Actions is not permitted to create or approve pull requests."
    github.faults.append(Fault(f"POST {PULLS}", Answer(403, {"message": why})))
    done = fivefold(*OPEN, env=github_job)
    assert done.code == 1
    assert why in done.err


def test_a_branch_is_not_merged_into_itself(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str]
) -> None:
    done = fivefold("pr", "open", "--title", "x", "--branch", "main", env=github_job)
    assert done.code == 1
    assert "into itself" in done.err
    assert not github.lines("POST")


def test_gitlab_opens_and_updates_too(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "body.md").write_text("Drift.\n")
    done = fivefold(*OPEN, env=gitlab_job)
    assert done.out.endswith("/-/merge_requests/8: opened\n")
    done = fivefold(*OPEN, "--body", "body.md", env=gitlab_job)
    assert done.out.endswith("/-/merge_requests/8: updated\n")
    assert gitlab.lines("POST", "PUT") == [f"POST {REQUESTS}", f"PUT {REQUESTS}/8"]
    assert gitlab.merge_requests[8]["description"] == "Drift.\n"
    assert gitlab.merge_requests[8]["source_branch"] == "retrain"


def test_a_dry_run_asks_the_forge_nothing(fivefold: Run, gitlab_job: dict[str, str]) -> None:
    job = {key: value for key, value in gitlab_job.items() if "TOKEN" not in key}
    done = fivefold(*OPEN, "--dry-run", env={**job, "CI_API_V4_URL": "https://gitlab.invalid"})
    assert done.code == 0
    assert json.loads(done.out)["body"]["source_branch"] == "retrain"
