"""``fivefold reproduce``: a run of the past in a worktree, run anew and compared."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.pipeline.conftest import Project


def another_run(project: Project) -> str:
    """Commit a second run, and give the first one's commit."""
    first = project.call("git", "rev-parse", "HEAD").stdout.strip()
    project.edit("conf/config.yaml", "seed:", "seed: 11 #")
    project.repro()
    project.commit("Another seed")
    return first


def test_a_run_of_the_past_gives_its_results_again(diabetes: Project) -> None:
    first = another_run(diabetes)
    head = diabetes.read("dvc.lock")
    done = diabetes.fivefold("reproduce", first[:8], "../again")
    assert "gives its own results here" in done.stdout
    again = Project(diabetes.root.with_name("again"))
    assert again.call("git", "rev-parse", "HEAD").stdout.strip() == first
    assert again.read("dvc.lock") != head
    # It shares the cache: nothing is kept twice.
    assert not (again.root / ".dvc" / "cache").exists()
    assert again.repro() == []
    # The project itself is as it was.
    assert diabetes.read("dvc.lock") == head
    assert diabetes.call("git", "status", "--porcelain").stdout == ""


def test_only_its_files(diabetes: Project) -> None:
    first = another_run(diabetes)
    diabetes.fivefold("reproduce", first, "../files", "--checkout")
    files = Project(diabetes.root.with_name("files"))
    assert (files.root / "data" / "test.parquet").is_file()
    assert files.call("git", "status", "--porcelain").stdout == ""
    assert files.repro() == []


def test_a_claim_that_does_not_hold_is_named(diabetes: Project) -> None:
    lock = diabetes.read("dvc.lock")
    start = lock.index("md5: ", lock.index("models/model.skops")) + 5
    diabetes.write("dvc.lock", lock[:start] + "f" * 32 + lock[start + 32 :])
    diabetes.commit("A claim that no run made")
    said = diabetes.refused(sys.executable, "-m", "fivefold", "reproduce", "HEAD", "../claim")
    assert "train: out models/model.skops: ffffffff" in said
    assert "does not give its own results" in said


def test_what_can_not_be_reproduced(diabetes: Project, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "fivefold", "reproduce")
    assert "not committed" in diabetes.refused(*command, "workspace")
    assert "no commit, branch or tag" in diabetes.refused(*command, "mian")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    assert "is taken" in diabetes.refused(*command, "HEAD", str(taken))
    assert sorted(path.name for path in taken.iterdir()) == ["file"]
