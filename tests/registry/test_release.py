"""A version is registered when the model changed, and only of results that stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.history.conftest import Project
from tests.registry.conftest import change


def release(project: Project, *options: str, refused: bool = False) -> str:
    # Tags of one second have no order: each is a minute after the last.
    count = len(project.git("tag").splitlines())
    done = subprocess.run(
        ["fivefold", "release", *options],
        cwd=project.path,
        env={**os.environ, "GIT_COMMITTER_DATE": f"{1_800_000_000 + 60 * count} +0000"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert (done.returncode != 0) == refused, said
    return said


def test_a_version_is_registered_once_and_read_by_gto_and_dvc(scorer: Project) -> None:
    assert "would register scorer@v1.0.0" in release(scorer, "--dry-run")
    assert scorer.git("tag") == ""
    release(scorer)
    assert scorer.git("cat-file", "-t", "scorer@v1.0.0") == "tag"
    shown = json.loads(scorer.run("gto", "show", "scorer", "--json"))
    assert [(item["version"], item["commit_hexsha"]) for item in shown] == [
        ("v1.0.0", scorer.git("rev-parse", "HEAD"))
    ]
    scorer.run("dvc", "artifacts", "get", ".", "scorer", "--out", "got.bin")
    assert (scorer.path / "got.bin").read_bytes() == (scorer.path / "models/model.bin").read_bytes()
    assert "nothing to register: the model is that of scorer@v1.0.0" in release(scorer)
    assert scorer.git("tag") == "scorer@v1.0.0"


def test_the_message_is_the_leaderboards_entry(scorer: Project) -> None:
    change(scorer, "error: 20", "error: 12", "Learn more")
    release(scorer)
    message = scorer.git("tag", "--list", "--format=%(contents)", "scorer@v1.0.0")
    assert message.splitlines()[0] == "scorer v1.0.0: mean_absolute_error 12"
    facts = dict(line.split(":", 1) for line in message.splitlines()[2:] if ":" in line)
    assert (
        facts["metric"].strip() == "mean_absolute_error 12, 95% interval 11 to 13 (lower is better)"
    )
    assert facts["rank"].strip() == "1 of 2 by mean_absolute_error"
    assert facts["model"].strip() == "linear"
    assert re.fullmatch(r" *data/raw.csv md5 [0-9a-f]{32}", facts["fitted to"])
    assert facts["commit"].strip() == f"{scorer.git('rev-parse', 'HEAD')} Learn more"


@pytest.mark.parametrize(
    ("old", "new", "version"),
    [
        ("seed: 1", "seed: 2", "v1.0.1"),
        ("model: linear", "model: tree", "v1.1.0"),
        ("rows: 5", "rows: 6", "v1.1.0"),
    ],
)
def test_what_changed_says_which_number_rises(
    scorer: Project, old: str, new: str, version: str
) -> None:
    release(scorer)
    change(scorer, old, new)
    assert f"registered scorer@{version}" in release(scorer)


def test_a_broken_contract_is_a_major_version(scorer: Project) -> None:
    scorer.write("reports/objective.json", {"task": "binary", "target": "late"})
    scorer.commit("Say what is predicted")
    release(scorer)
    scorer.write("reports/objective.json", {"task": "binary", "target": "cancelled"})
    change(scorer, "seed: 1", "seed: 2")
    assert "registered scorer@v2.0.0 (target changed)" in release(scorer)


def test_the_number_can_be_asked_for(scorer: Project) -> None:
    release(scorer)
    change(scorer, "seed: 1", "seed: 2")
    assert "scorer@v1.1.0 (as asked)" in release(scorer, "--bump", "minor")


def test_a_commit_that_leaves_the_model_alone_is_no_version(scorer: Project) -> None:
    release(scorer)
    scorer.write("README.md", "About")
    scorer.commit("Write")
    assert "nothing to register" in release(scorer)


def test_a_version_that_was_taken_back_can_be_followed_by_the_same_model(scorer: Project) -> None:
    release(scorer)
    scorer.run(
        *("git", "tag", "--annotate", "--message", "Wrong", "scorer@v1.0.0!"),
        env={"GIT_COMMITTER_DATE": "1800000030 +0000"},
    )
    assert "registered scorer@v1.0.1" in release(scorer)


def test_what_does_not_stand_is_refused(scorer: Project, tmp_path: Path) -> None:
    scorer.edit("params.yaml", "seed: 1", "seed: 2")
    assert "changes that no commit holds" in release(scorer, refused=True)
    scorer.commit("Not run")
    assert "HEAD's results are stale" in release(scorer, refused=True)
    scorer.dvc("repro", "--quiet")
    scorer.edit("metrics/evaluate.json", "20", "10")
    scorer.commit("Better by hand")
    assert "HEAD's results are edited" in release(scorer, refused=True)
    assert scorer.git("tag") == ""
    shallow = tmp_path / "shallow"
    scorer.git("clone", "--quiet", "--depth", "1", f"file://{scorer.path}", str(shallow))
    assert "git fetch --unshallow --tags" in release(Project(shallow), refused=True)


def test_a_gate_refuses_unless_an_exception_is_recorded(scorer: Project) -> None:
    change(scorer, "error: 20", "error: 60", "Learn less")
    said = release(scorer, refused=True)
    assert "a gate fails" in said
    assert "mean_absolute_error 60 is not <= 50" in said
    scorer.run("fivefold", "gate", "HEAD~1", "--allow", "threshold.acceptable=A slow start",
               "--allow", "regression.mean_absolute_error=A slow start")  # fmt: skip
    scorer.commit("Allow it")
    assert "registered scorer@v1.0.0" in release(scorer)
    message = scorer.git("tag", "--list", "--format=%(contents)", "scorer@v1.0.0")
    assert "exception: threshold.acceptable: A slow start" in message


def test_versions_are_registered_on_the_default_branch(scorer: Project) -> None:
    scorer.git("switch", "--quiet", "--create", "idea")
    change(scorer, "seed: 1", "seed: 2")
    assert "git switch main" in release(scorer, refused=True)
    # A detached checkout of what main holds is as good, as CI has it.
    scorer.git("switch", "--quiet", "--detach", "main")
    scorer.dvc("checkout", "--quiet")
    assert "registered scorer@v1.0.0" in release(scorer)


def test_pushing_is_whole_or_not_at_all(scorer: Project, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    scorer.git("init", "--quiet", "--bare", str(remote))
    scorer.git("remote", "add", "origin", str(remote))
    scorer.git("push", "--quiet", "origin", "main")
    other = scorer.copy(tmp_path / "other")
    assert "registered and pushed scorer@v1.0.0" in release(scorer, "--push")
    assert "scorer@v1.0.0" in scorer.git("ls-remote", "--tags", "origin")
    said = release(other, "--push", refused=True)
    assert "origin has versions that are not here" in said
    assert "git fetch origin --tags" in said
    assert other.git("tag") == ""
    # A tag that an earlier call left unpushed goes with the next.
    change(scorer, "seed: 1", "seed: 2")
    release(scorer)
    assert "pushed scorer@v1.0.1" in release(scorer, "--push")
    # A remote that refuses leaves no tag behind.
    (remote / "hooks" / "pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (remote / "hooks" / "pre-receive").chmod(0o755)
    change(scorer, "seed: 2", "seed: 3")
    assert "git push failed" in release(scorer, "--push", refused=True)
    assert "scorer@v1.0.2" not in scorer.git("tag")


def test_a_repository_that_names_no_model_is_told_how(scorer: Project) -> None:
    scorer.edit("dvc.yaml", "artifacts:", "artifactz:")
    text = (scorer.path / "dvc.yaml").read_text()
    (scorer.path / "dvc.yaml").write_text(text.partition("artifactz:")[0])
    scorer.commit("No artifact")
    assert "dvc.yaml names no artifact that is the model" in release(scorer, refused=True)
