"""`fivefold pr publish` against GitHub's published description."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.forge.conftest import Mock, Ran, github_environment, write_folder
from tests.forge.github_server import HEAD, REPOSITORY, GitHubServer
from tests.forge.server import TOKEN, Answer, Fault

Run = Callable[..., Ran]

COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"
CHECKS = f"/repos/{REPOSITORY}/check-runs"
MARKER = "<!-- fivefold report: fivefold -->"


def test_a_first_report_makes_one_comment_and_one_check_run(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    done = fivefold("pr", "publish", folder, env=github_job)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"https://github.com/{REPOSITORY}/pull/7#issuecomment-1\n"
    assert github.lines("POST", "PATCH") == [f"POST {COMMENTS}", f"POST {CHECKS}"]
    assert github.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    (comment,) = github.comments
    assert comment["body"].startswith(f"{MARKER}\n")
    assert "| roc_auc | 0.671 | 0.68 |" in comment["body"]
    assert HEAD[:10] in comment["body"]
    assert "actions/runs/5" in comment["body"]
    (check,) = github.checks
    assert (check["head_sha"], check["status"]) == (HEAD, "completed")
    assert (check["name"], check["conclusion"]) == ("fivefold", "success")
    assert check["output"]["title"] == "better: roc_auc 0.671 → 0.68 (+0.009)"
    assert len(check["output"]["summary"].encode()) <= 65_535
    assert "| roc_auc | 0.671 | 0.68 |" in check["output"]["summary"]


def test_the_next_report_updates_both(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    fivefold("pr", "publish", folder, env=github_job)
    github.comments[0]["body"] = f"{MARKER}\nolder"
    github.requests.clear()
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    assert github.lines("POST", "PATCH") == [
        f"PATCH /repos/{REPOSITORY}/issues/comments/1",
        f"PATCH {CHECKS}/1",
    ]
    assert len(github.comments) == len(github.checks) == 1
    assert "roc_auc" in github.comments[0]["body"]


def test_a_comment_is_found_on_the_third_page(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    for number in range(250):
        github.add_comment(f"I think that {number}", "ada")
    number = github.add_comment(f"{MARKER}\nolder")
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    listed = [
        r.query["page"]
        for r in github.requests
        if r.line == f"GET {COMMENTS}" and r.query.get("page")
    ]
    assert listed == ["2", "3"]
    assert f"PATCH /repos/{REPOSITORY}/issues/comments/{number}" in github.lines()
    assert len(github.comments) == 251


def test_comments_of_others_are_left_alone_whatever_they_say(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    github.add_comment(f"{MARKER}\nPassed, trust me", "mallory")
    github.add_comment(f"I quote:\n{MARKER}")
    github.add_comment("<!-- fivefold report: other -->\nof another report")
    before = [comment["body"] for comment in github.comments]
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    assert [comment["body"] for comment in github.comments[:3]] == before
    assert len(github.comments) == 4


@pytest.mark.parametrize(("login", "option"), [("ada", ()), (None, ("--author", "flights[bot]"))])
def test_the_author_is_asked_for_or_named(
    fivefold: Run,
    github: GitHubServer,
    github_job: dict[str, str],
    folder: Path,
    login: str | None,
    option: tuple[str, ...],
) -> None:
    github.login = login
    github.add_comment(f"{MARKER}\nof the actions")
    mine = github.add_comment(f"{MARKER}\nmine", login or "flights[bot]")
    assert fivefold("pr", "publish", folder, *option, env=github_job).code == 0
    assert github.comments[0]["body"].endswith("of the actions")
    assert "roc_auc" in github.comments[mine - 1]["body"]


def test_each_name_has_its_own_comment_and_check(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    for name in ("arrivals", "departures", "arrivals"):
        assert fivefold("pr", "publish", folder, "--name", name, env=github_job).code == 0
    assert len(github.comments) == 2
    assert [check["name"] for check in github.checks] == ["arrivals", "departures"]
    done = fivefold("pr", "publish", folder, "--name", "x --> <b>", env=github_job)
    assert done.code == 1
    assert "not a report's name" in done.err


def test_a_comment_refused_for_its_size_loses_its_least_important_sections(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    github.longest_body = 20_000
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    sizes = [len(body["body"].encode()) for body in github.sent(f"POST {COMMENTS}")]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes) > 1
    (comment,) = github.comments
    assert len(comment["body"].encode()) <= 20_000
    assert "roc_auc" in comment["body"]
    assert "left out" in comment["body"]


def test_what_can_get_no_smaller_is_reported_as_refused(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    github.longest_body = 10
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 1
    assert "422 Validation Failed" in done.err
    assert not github.comments


def test_a_rate_limit_is_waited_for_as_long_as_it_asks(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    limit = Answer(
        403,
        {"message": "You have exceeded a secondary rate limit."},
        {"Retry-After": "1"},
    )
    github.faults.append(Fault(f"POST {COMMENTS}", limit))
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 0
    assert f"POST {github.api}{COMMENTS}: 403 Forbidden; again in 1.0 s" in done.err
    assert len(github.comments) == 1


def test_a_primary_limit_is_waited_for_by_the_forges_clock(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    exceeded = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 1),
    }
    answer = Answer(429, {"message": "API rate limit exceeded"}, exceeded)
    github.faults.append(Fault(f"GET /repos/{REPOSITORY}/pulls/7", answer))
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 0
    assert "429" in done.err
    assert len(github.comments) == 1


def test_more_waiting_than_there_is_patience_for_is_refused_at_once(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    limit = Answer(403, {"message": "API rate limit exceeded"}, {"Retry-After": "3600"})
    github.faults.append(Fault(f"GET /repos/{REPOSITORY}/pulls/7", limit, times=99))
    done = fivefold("pr", "publish", folder, "--patience", "5", env=github_job)
    assert done.code == 1
    assert "wait 3600 s" in done.err
    assert "--patience" in done.err
    assert len(github.requests) == 1


@pytest.mark.parametrize("silent", [False, True])
def test_a_comment_that_went_through_before_a_fault_is_not_made_twice(
    fivefold: Run,
    github: GitHubServer,
    github_job: dict[str, str],
    folder: Path,
    silent: bool,
) -> None:
    bad = Answer(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})
    github.faults.append(Fault(f"POST {COMMENTS}", bad, late=True, silent=silent))
    github.faults.append(Fault(f"POST {CHECKS}", bad, late=True, silent=silent))
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    assert len(github.comments) == len(github.checks) == 1


def test_a_fault_passes(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    bad = Answer(502, {"message": "Server Error"})
    github.faults.append(Fault(f"POST {COMMENTS}", bad, times=2))
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 0
    assert done.err.count("502") == 2
    assert len(github.comments) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "may have expired"), (403, "the right to write"), (404, "may not see it")],
)
def test_a_refusal_is_not_repeated(
    fivefold: Run,
    github: GitHubServer,
    github_job: dict[str, str],
    folder: Path,
    status: int,
    words: str,
) -> None:
    # A forge that echoes what it got must not make us print it.
    answer = Answer(status, {"message": f"no\n::error::{TOKEN}"})
    github.faults.append(Fault(f"POST {COMMENTS}", answer, times=99))
    done = fivefold("pr", "publish", folder, env=github_job)
    assert done.code == 1
    assert words in done.err
    assert f"{status} no ::error::***" in done.err
    assert github.lines("POST") == [f"POST {COMMENTS}"]


def test_a_comment_deleted_meanwhile_is_made_anew(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    number = github.add_comment(f"{MARKER}\nolder")
    line = f"PATCH /repos/{REPOSITORY}/issues/comments/{number}"
    github.faults.append(Fault(line, Answer(404, {"message": "Not Found"})))
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    assert len(github.comments) == 2


def test_a_check_run_of_another_app_is_not_fought_over(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    fivefold("pr", "publish", folder, env=github_job)
    github.foreign_checks.add(1)
    assert fivefold("pr", "publish", folder, env=github_job).code == 0
    assert len(github.checks) == 2


@pytest.mark.parametrize(
    ("pull", "run", "words"),
    [
        ({"sha": "0" * 40}, {}, "the pull request's commit is not"),
        ({"fork": "mallory/flights"}, {}, "the pull request's repository is not"),
        ({"branch": "tree"}, {}, "the pull request's branch is not"),
        ({}, {"head_repository": {"full_name": "mallory/flights"}}, "repository is not"),
        ({}, {"head_sha": "0" * 40}, "not of the run that started this job"),
    ],
)
def test_a_report_reaches_no_other_pull_request(
    fivefold: Run,
    github: GitHubServer,
    tmp_path: Path,
    folder: Path,
    pull: dict[str, str],
    run: dict[str, str],
    words: str,
) -> None:
    github.add_pull(7, **pull)
    done = fivefold("pr", "publish", folder, env=github_environment(github.api, tmp_path, **run))
    assert done.code == 1
    assert words in done.err
    assert not github.lines("POST", "PATCH")


def test_a_number_of_no_pull_request_is_refused(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], tmp_path: Path
) -> None:
    done = fivefold("pr", "publish", write_folder(tmp_path / "r", number=12), env=github_job)
    assert done.code == 1
    assert "404 Not Found" in done.err
    assert not github.lines("POST", "PATCH")


def test_a_run_that_failed_outweighs_its_verdict(
    fivefold: Run, github: GitHubServer, tmp_path: Path, folder: Path
) -> None:
    job = github_environment(github.api, tmp_path, conclusion="failure")
    assert fivefold("pr", "publish", folder, env=job).code == 0
    assert github.checks[0]["conclusion"] == "failure"
    assert "The run did not succeed" in github.comments[0]["body"]


def test_a_dry_run_sends_nothing_and_prints_what_it_would(
    fivefold: Run, github: GitHubServer, github_job: dict[str, str], folder: Path
) -> None:
    del github_job["GITHUB_TOKEN"]
    done = fivefold("pr", "publish", folder, "--dry-run", env=github_job)
    assert (done.code, done.err, github.requests) == (0, "", [])
    comment, check = map(json.loads, done.out.splitlines())
    assert (comment["method"], comment["path"]) == ("POST", COMMENTS.lstrip("/"))
    assert comment["body"]["body"].startswith(MARKER)
    assert (check["path"], check["body"]["conclusion"]) == (CHECKS.lstrip("/"), "success")


def test_enterprise_lies_below_a_path_of_its_own(
    fivefold: Run, enterprise_mock: Mock, tmp_path: Path, folder: Path
) -> None:
    server = GitHubServer(enterprise_mock.address, enterprise_mock.document, "/api/v3")
    with server.served():
        job = github_environment(server.api, tmp_path)
        for _ in range(2):
            done = fivefold("pr", "publish", folder, env=job)
            assert done.code == 0, done.err
    assert not server.violations
    assert len(server.comments) == len(server.checks) == 1


def test_the_mock_refuses_what_does_not_fit(github: GitHubServer) -> None:
    """The tests of this file prove nothing unless this one fails its requests."""
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "fivefold/0",
    }
    wrong = [
        ("POST", COMMENTS, {"body": 5}),
        ("POST", COMMENTS, {"text": "no body"}),
        ("POST", COMMENTS, {"body": "x", "extra": 1}),
        ("POST", CHECKS, {"name": "fivefold"}),
        (
            "POST",
            CHECKS,
            {"name": "x", "head_sha": HEAD, "status": "completed", "conclusion": "ok"},
        ),
        ("POST", f"{COMMENTS}/1", {"body": "no such operation"}),
        ("GET", f"{COMMENTS}?colour=red", None),
    ]
    for method, path, body in wrong:
        found = requests.request(
            method, f"{github.api}{path}", json=body, headers=headers, timeout=30
        )
        assert found.status_code == 418, (path, body)
    assert len(github.violations) == len(wrong)
    github.violations.clear()
