"""Proposals of every kind go through the baked workflows, from the push to the comment."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from fivefold.data.sources import sklearn_dataset
from tests.forge.github_server import REPOSITORY, GitHubServer
from tests.forge.server import TOKEN
from tests.forge_rehearsal.conftest import Hosted, call, edit
from tests.forge_rehearsal.runner import GitHubJob, Ran, git

NUMBER = 7
EVIDENCE = "Verify or reproduce, as conf/review.yaml says"


def review(hosted: Hosted, branch: str, folder: Path, *, fork: str = REPOSITORY) -> Ran:
    """Run pull-request.yml for a branch, pushed here or known by its pull request alone."""
    head = hosted.propose(branch, NUMBER, fork=fork != REPOSITORY)
    event = {
        "pull_request": {
            "number": NUMBER,
            "head": {"sha": head, "ref": branch, "repo": {"full_name": fork}},
            "base": {"ref": "main", "sha": git(hosted.author, "rev-parse", "main")},
        }
    }
    context = {"repository": REPOSITORY, "base_ref": "main", "head_ref": branch, "sha": head}
    workflow = hosted.author / ".github" / "workflows" / "pull-request.yml"
    return GitHubJob(hosted.forge, workflow, event, context, folder).run("review")


def publish(
    hosted: Hosted, branch: str, conclusion: str, folder: Path, *, fork: str = REPOSITORY
) -> Ran:
    """Run report.yml, as the forge starts it after the other one."""
    main = git(hosted.author, "rev-parse", "main")
    event = {
        "workflow_run": {
            "id": 5,
            "event": "pull_request",
            "head_sha": git(hosted.author, "rev-parse", branch),
            "head_branch": branch,
            "head_repository": {"full_name": fork},
            "conclusion": conclusion,
            "html_url": f"https://github.com/{REPOSITORY}/actions/runs/5",
        }
    }
    context = {"repository": REPOSITORY, "sha": main, "ref_name": "main"}
    workflow = hosted.author / ".github" / "workflows" / "report.yml"
    job = GitHubJob(hosted.forge, workflow, event, context, folder)
    ran = job.run("report")
    # What may write has seen nothing of the proposal but the artifact.
    assert {path.name for path in job.workspace.iterdir()} == {
        ".git",
        "requirements.lock",
        "review",
    }
    return ran


def verdict(hosted: Hosted) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (hosted.forge.artifacts / "review" / "verdict.json").read_text("utf-8")
    )
    return found


def test_a_better_model_is_green_and_released_when_merged(hosted: Hosted, tmp_path: Path) -> None:
    ran = review(hosted, "better", tmp_path / "review")
    assert ran.failed == [], ran.log
    assert verdict(hosted)["passed"] is True
    assert "**failed**" not in ran.summary
    assert "run again," in ran.summary
    assert "root_mean_squared_error" in ran.summary

    git(hosted.author, "merge", "--quiet", "--no-ff", "--message", "Merge ridge", "better")
    git(hosted.author, "push", "--quiet", "origin", "main")
    released = release(hosted, tmp_path / "release")
    assert released.failed == [], released.log
    assert "registered and pushed progression@v1.0.0" in released.summary
    tags = git(
        hosted.forge.remote, "for-each-ref", "--format=%(refname) %(objecttype)", "refs/tags"
    )
    assert tags == "refs/tags/progression@v1.0.0 tag"
    shown = subprocess.run(
        ["gto", "show", "progression@greatest", "--repo", str(hosted.forge.remote)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "v1.0.0" in shown.stdout, shown.stderr
    assert (hosted.forge.artifacts / "github-pages" / "index.html").is_file()
    # Nothing changed since, so nothing is registered again.
    again = release(hosted, tmp_path / "again")
    assert again.failed == []
    assert "nothing to register" in again.summary


def release(hosted: Hosted, folder: Path) -> Ran:
    context = {
        "repository": REPOSITORY,
        "sha": git(hosted.author, "rev-parse", "main"),
        "ref_name": "main",
    }
    workflow = hosted.author / ".github" / "workflows" / "release.yml"
    return GitHubJob(hosted.forge, workflow, {}, context, folder).run("release")


def test_a_worse_model_is_red_by_its_gates_alone(
    hosted: Hosted, github: GitHubServer, tmp_path: Path
) -> None:
    ran = review(hosted, "worse", tmp_path / "review")
    assert "Gates" in ran.failed, ran.log
    assert EVIDENCE not in ran.failed, ran.log
    assert "Report" not in ran.failed
    assert verdict(hosted)["passed"] is False
    report(hosted, "worse", ran.conclusion, github, tmp_path / "publish")


def test_a_stale_lock_is_named_and_stopped(hosted: Hosted, tmp_path: Path) -> None:
    ran = review(hosted, "stale", tmp_path / "review")
    # No file in Git contradicts the lock, so that the gates alone would have let it pass.
    assert EVIDENCE in ran.failed, ran.log
    assert "Gates" not in ran.failed
    said = ran.step(EVIDENCE).output
    assert "params.yaml is not what conf/ gives now" in said
    assert "stage compose has not run on what is committed" in said


def test_a_project_that_reproduces_runs_what_is_missing_and_keeps_it(
    hosted: Hosted, tmp_path: Path
) -> None:
    author, storage = hosted.author, tmp_path / "storage"
    edit(author / "conf" / "review.yaml", "mode: verify", "mode: reproduce")
    call(author, "dvc", "remote", "add", "--default", "storage", str(storage))
    call(author, "dvc", "repro")
    git(author, "commit", "--quiet", "--all", "--message", "Run proposals where they are checked")
    git(author, "push", "--quiet", "origin", "main")
    git(author, "rebase", "--quiet", "main", "stale")
    # From the runner's own work alone.
    shutil.rmtree(hosted.forge.caches)

    ran = review(hosted, "stale", tmp_path / "review")
    assert EVIDENCE in ran.failed, ran.log
    said = ran.step(EVIDENCE).output
    assert "- the pipeline runs: ok" in said
    assert "- data, models and the run cache are in the remote: ok" in said
    assert "fivefold repro --pull gives them to you at once; then commit:" in said
    assert "dvc.lock" in said

    # On a colleague's machine, which has run nothing.
    there = tmp_path / "colleague"
    git(tmp_path, "clone", "--quiet", "--branch", "stale", str(hosted.forge.remote), str(there))
    done = subprocess.run(
        ["fivefold", "repro", "--pull"], cwd=there, capture_output=True, text=True, check=True
    )
    # compose is never kept, so that it sees an edit by hand; every result is the runner's.
    assert "train: restored from the cache" in done.stderr
    assert "\n1 ran, " in done.stderr, done.stderr
    git(there, "commit", "--quiet", "--all", "--message", "What the check has run")
    git(there, "push", "--quiet", "origin", "stale")
    git(author, "fetch", "--quiet", "origin")
    git(author, "reset", "--quiet", "--hard", "origin/stale")
    again = review(hosted, "stale", tmp_path / "again")
    assert again.failed == [], again.log
    assert verdict(hosted)["passed"] is True


def test_a_metric_edited_by_hand_is_named_and_stopped(hosted: Hosted, tmp_path: Path) -> None:
    ran = review(hosted, "edited", tmp_path / "review")
    assert {EVIDENCE, "Gates"} <= set(ran.failed), ran.log
    assert "metrics/evaluate.json is not what stage evaluate wrote" in ran.summary
    assert verdict(hosted)["passed"] is False


def test_a_forks_proposal_is_reported_by_a_job_of_its_own(
    hosted: Hosted, github: GitHubServer, tmp_path: Path
) -> None:
    # A fork's run finds no cache, and so makes the inputs of what it runs again.
    shutil.rmtree(hosted.forge.caches)
    fork = "someone/flights"
    ran = review(hosted, "better", tmp_path / "review", fork=fork)
    assert ran.conclusion == "success", ran.log
    assert "refs/heads/better" not in git(hosted.forge.remote, "for-each-ref")
    report(hosted, "better", ran.conclusion, github, tmp_path / "publish", fork=fork)


def report(
    hosted: Hosted,
    branch: str,
    conclusion: str,
    github: GitHubServer,
    folder: Path,
    *,
    fork: str = REPOSITORY,
) -> None:
    """Publish, and look at what reached the pull request."""
    head = git(hosted.author, "rev-parse", branch)
    github.add_pull(NUMBER, sha=head, branch=branch, fork=fork)
    hosted.forge.api, hosted.forge.token = github.api, TOKEN
    published = publish(hosted, branch, conclusion, folder, fork=fork)
    assert published.failed == [], published.log
    assert TOKEN not in published.log
    (comment,) = github.comments
    assert "root_mean_squared_error" in comment["body"]
    (check,) = github.checks
    assert (check["head_sha"], check["conclusion"]) == (head, conclusion)


def test_monitoring_proposes_nothing_where_nothing_is_worse(hosted: Hosted, tmp_path: Path) -> None:
    context = {
        "repository": REPOSITORY,
        "sha": git(hosted.author, "rev-parse", "main"),
        "ref_name": "main",
    }
    workflow = hosted.author / ".github" / "workflows" / "monitor.yml"
    ran = GitHubJob(hosted.forge, workflow, {}, context, tmp_path / "monitor").run("monitor")
    assert ran.failed == [], ran.log
    assert "no new model is due" in ran.summary
    assert "Propose it" not in [step.name for step in ran.steps]


_READER = """\
\"\"\"Patients as the registry has them today.\"\"\"

import pandas as pd


def patients(path: str) -> pd.DataFrame:
    return pd.read_csv(path)
"""


def test_monitoring_proposes_a_model_of_newer_data(
    hosted: Hosted, github: GitHubServer, tmp_path: Path
) -> None:
    author, registry = hosted.author, tmp_path / "registry.csv"
    data = sklearn_dataset("diabetes").rows.to_table().to_pandas()
    data.head(380).to_csv(registry, index=False)
    (author / "src" / "progression" / "registry.py").write_text(_READER, "utf-8")
    edit(author / "conf" / "review.yaml", "retrain: degraded", "retrain: always")
    edit(
        author / "conf" / "collect.yaml",
        "_target_: fivefold.data.sources.sklearn_dataset\n      name: diabetes",
        f"_target_: progression.registry.patients\n      path: {registry}",
    )
    call(author, "dvc", "repro")
    git(author, "add", "--all")
    git(author, "commit", "--quiet", "--message", "Read the registry")
    git(author, "push", "--quiet", "origin", "main")
    context = {
        "repository": REPOSITORY,
        "sha": git(author, "rev-parse", "main"),
        "ref_name": "main",
    }
    hosted.forge.api, hosted.forge.token = github.api, TOKEN
    workflow = author / ".github" / "workflows" / "monitor.yml"

    # The registry is as it was: a policy of `always` has nothing to train on.
    same = GitHubJob(hosted.forge, workflow, {}, context, tmp_path / "same").run("monitor")
    assert same.failed == [], same.log
    assert "the data give the model that is there" in same.summary

    data.to_csv(registry, index=False)
    ran = GitHubJob(hosted.forge, workflow, {}, context, tmp_path / "monitor").run("monitor")
    assert ran.failed == [], ran.log
    assert TOKEN not in ran.log
    branch = ran.step("Train anew, if the policy says so").output.split("committed on ")[1].strip()
    heads = git(hosted.forge.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    assert sorted(heads.split()) == ["main", branch]
    changed = git(hosted.forge.remote, "diff", "--name-only", "main", branch).split()
    assert {"dvc.lock", "metrics/evaluate.json", "reports/collect.json"} <= set(changed)
    proposal = github.pulls[max(github.pulls)]
    assert (proposal["title"], proposal["head"]["ref"]) == ("Train on newer data", branch)
    assert "root_mean_squared_error" in proposal["body"]
