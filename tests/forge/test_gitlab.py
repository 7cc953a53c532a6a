"""`fivefold pr publish` against a strict stand-in for GitLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.forge.conftest import Ran, write_folder
from tests.forge.gitlab_server import HEAD, PATH, GitLabServer
from tests.forge.server import TOKEN, Answer, Fault

Run = Callable[..., Ran]

NOTES = "/api/v4/projects/42/merge_requests/7/notes"
STATUSES = f"/api/v4/projects/42/statuses/{HEAD}"
MARKER = "<!-- fivefold report: fivefold -->"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "report", forge="gitlab", repository=PATH)


def test_a_first_report_makes_one_note_and_one_status(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], folder: Path
) -> None:
    done = fivefold("pr", "publish", folder, env=gitlab_job)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"https://gitlab.example/{PATH}/-/merge_requests/7#note_1\n"
    assert gitlab.lines("POST", "PUT") == [f"POST {NOTES}", f"POST {STATUSES}"]
    assert gitlab.requests[0].headers["private-token"] == TOKEN
    assert "authorization" not in gitlab.requests[0].headers
    (note,), (status,) = gitlab.notes, gitlab.statuses
    assert note["body"].startswith(f"{MARKER}\n")
    assert "| roc_auc | 0.671 | 0.68 |" in note["body"]
    assert (status["name"], status["state"]) == ("fivefold", "success")
    assert status["description"] == "better: roc_auc 0.671 → 0.68 (+0.009)"
    assert status["target_url"] == gitlab_job["CI_PIPELINE_URL"]


def test_the_next_report_updates_the_note_and_leaves_a_status_that_stands(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], folder: Path
) -> None:
    for number in range(120):
        gitlab.add_note(f"I think that {number}", "ada")
    gitlab.add_note(f"{MARKER}\nof somebody else", "mallory")
    assert fivefold("pr", "publish", folder, env=gitlab_job).code == 0
    gitlab.notes[-1]["body"] = f"{MARKER}\nolder"
    gitlab.requests.clear()
    assert fivefold("pr", "publish", folder, env=gitlab_job).code == 0
    assert gitlab.lines("POST", "PUT") == [f"PUT {NOTES}/122"]
    assert (len(gitlab.notes), len(gitlab.statuses)) == (122, 1)
    assert gitlab.notes[-2]["body"].endswith("of somebody else")


def test_a_note_refused_for_its_size_loses_its_least_important_sections(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], folder: Path
) -> None:
    gitlab.longest_body = 20_000
    assert fivefold("pr", "publish", folder, env=gitlab_job).code == 0
    (note,) = gitlab.notes
    assert "roc_auc" in note["body"]
    assert "left out" in note["body"]


def test_a_rate_limit_is_waited_for_and_a_note_not_made_twice(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], folder: Path
) -> None:
    limit = Answer(429, {"message": "Retry later"}, {"Retry-After": "1"})
    gitlab.faults.append(Fault(f"POST {NOTES}", limit))
    bad = Answer(502, b"<html></html>")
    gitlab.faults.append(Fault(f"POST {NOTES}", bad, late=True))
    gitlab.faults.append(Fault(f"POST {STATUSES}", bad, late=True))
    assert fivefold("pr", "publish", folder, env=gitlab_job).code == 0
    assert (len(gitlab.notes), len(gitlab.statuses)) == (1, 1)


@pytest.mark.parametrize(
    ("change", "request_", "words"),
    [
        ({"CI_MERGE_REQUEST_IID": "8"}, {}, "not of the run that started this job"),
        ({"CI_COMMIT_SHA": "0" * 40}, {}, "not of the run that started this job"),
        ({}, {"sha": "0" * 40}, "the pull request's commit is not"),
        ({"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43"}, {}, "the pull request's repository is not"),
    ],
)
def test_a_report_reaches_no_other_merge_request(
    fivefold: Run,
    gitlab: GitLabServer,
    gitlab_job: dict[str, str],
    folder: Path,
    change: dict[str, str],
    request_: dict[str, str],
    words: str,
) -> None:
    gitlab.add_request(7, **request_)
    done = fivefold("pr", "publish", folder, env={**gitlab_job, **change})
    assert done.code == 1
    assert words in done.err
    assert not gitlab.lines("POST", "PUT")


def test_a_pipeline_of_the_merged_result_reports_on_the_branch(
    fivefold: Run, gitlab: GitLabServer, gitlab_job: dict[str, str], folder: Path
) -> None:
    merged = {"CI_COMMIT_SHA": "1" * 40, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD}
    assert fivefold("pr", "publish", folder, env={**gitlab_job, **merged}).code == 0
    assert gitlab.statuses[0]["sha"] == HEAD


def test_the_server_refuses_what_does_not_fit(gitlab: GitLabServer) -> None:
    wrong = [
        ("POST", NOTES, {"body": 5}),
        ("POST", NOTES, {"text": "no body"}),
        ("POST", STATUSES, {"state": "passed"}),
        ("POST", STATUSES, {"state": "success", "description": "x" * 256}),
        ("PATCH", f"{NOTES}/1", {"body": "GitLab says PUT"}),
        ("GET", f"{NOTES}?per_page=1000", None),
    ]
    for method, path, body in wrong:
        url = f"{gitlab.address}{path}"
        found = requests.request(
            method, url, json=body, headers={"PRIVATE-TOKEN": TOKEN}, timeout=30
        )
        assert found.status_code == 418, (path, body)
    gitlab.violations.clear()
