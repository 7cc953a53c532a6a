"""Histories of every shape: merges, shallow and bare clones, worktrees, odd paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fivefold.errors import HistoryError
from fivefold.history.diff.compare import compare
from fivefold.history.git.repository import Repository
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, collect_runs, default_tips, find_tips

from .conftest import Project

New = Callable[..., Project]


def subjects(path: Path, *refs: str, everything: bool = False) -> list[str]:
    repository = Repository(path)
    tips = (
        find_tips(repository, refs, everything=everything)
        if refs or everything
        else default_tips(repository)
    )
    return [run.subject for run in collect_runs(Reader(repository), tips)]


def score(project: Project, value: float, message: str) -> str:
    project.write("metrics.json", {"accuracy": value})
    return project.commit(message)


@pytest.fixture
def plain(new_project: New) -> Project:
    """A repository whose metrics no stage writes: quick to commit to."""
    project = new_project(dvc=False)
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    score(project, 0.5, "first")
    return project


def test_outside_a_repository(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="not inside a Git repository"):
        Repository(tmp_path)


def test_before_the_first_commit(new_project: New) -> None:
    project = new_project(dvc=False)
    with pytest.raises(HistoryError, match="no commit yet"):
        default_tips(Repository(project.path))


def test_no_metrics_at_all(new_project: New) -> None:
    project = new_project(dvc=False)
    project.write("README.md", "nothing")
    project.commit("start")
    project.write("README.md", "more")
    repository = Repository(project.path)
    with pytest.raises(HistoryError, match="no commit has metrics"):
        rank_runs(Reader(repository), default_tips(repository))
    with pytest.raises(HistoryError, match="neither revision declares metrics"):
        compare(Reader(repository), repository.head(), repository.workspace())


def test_a_metric_whose_name_tells_nothing_needs_a_direction(new_project: New) -> None:
    project = new_project(dvc=False)
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    project.write("metrics.json", {"zeal": 3})
    project.commit("start")
    repository = Repository(project.path)
    with pytest.raises(HistoryError, match=r"goals: \{zeal: maximize\}") as caught:
        rank_runs(Reader(repository), default_tips(repository))
    assert caught.value.got == "zeal"
    ranked = rank_runs(Reader(repository), default_tips(repository), metric="zeal:minimize")
    assert [row.value for row in ranked.rows] == [3]


def test_a_guessed_direction_is_said(plain: Project) -> None:
    # How well it fits what it has seen comes first in the file, and ranks nothing.
    plain.write("metrics.json", {"train": {"rmse": 1.0}, "val": {"rmse": 2.0}})
    plain.commit("another metric")
    repository = Repository(plain.path)
    found = rank_runs(Reader(repository), default_tips(repository))
    assert found.board.primary == "val.rmse"
    assert found.board.goal == "minimize"
    assert any("guessed" in note for note in found.notes)
    assert found.without == 1


def test_a_merge_that_takes_a_sides_results_is_no_run(plain: Project) -> None:
    plain.git("switch", "--quiet", "--create", "side")
    score(plain, 0.7, "side")
    plain.git("switch", "--quiet", "main")
    plain.write("README.md", "text")
    plain.commit("document")
    plain.git("merge", "--quiet", "--no-ff", "--message", "merge side", "side")
    plain.git("branch", "--delete", "side")
    assert subjects(plain.path) == ["side", "first"]


def test_a_merge_with_results_of_its_own_is_a_run(plain: Project) -> None:
    for name in ("a", "b", "c"):
        plain.git("switch", "--quiet", "--create", name, "main")
        plain.write(f"{name}.txt", name)
        plain.commit(f"text {name}")
    plain.git("switch", "--quiet", "main")
    plain.git("merge", "--quiet", "--no-commit", "--no-ff", "a", "b", "c")
    score(plain, 0.9, "octopus")
    assert len(plain.git("show", "--no-patch", "--format=%P").split()) == 4
    assert subjects(plain.path) == ["octopus", "first"]


def test_commits_are_named_after_the_branch_they_were_made_on(plain: Project) -> None:
    plain.git("switch", "--quiet", "--create", "side")
    score(plain, 0.7, "side")
    plain.git("switch", "--quiet", "main")
    score(plain, 0.6, "on main")
    plain.git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message", "merge", "side")
    repository = Repository(plain.path)
    tips = find_tips(repository, (), everything=True)
    named = {run.subject: run.branch for run in collect_runs(Reader(repository), tips)}
    assert named == {"on main": "main", "side": "side", "first": "main"}


def test_a_shallow_clone_says_so(plain: Project, tmp_path: Path) -> None:
    score(plain, 0.6, "second")
    score(plain, 0.7, "third")
    clone = Project(tmp_path / "clone")
    plain.git("clone", "--quiet", "--depth=2", f"file://{plain.path}", str(clone.path))
    repository = Repository(clone.path)
    found = rank_runs(Reader(repository), default_tips(repository))
    assert [row.run.subject for row in found.rows] == ["third", "second"]
    assert any("shallow" in note for note in found.notes)
    with pytest.raises(HistoryError, match="shallow"):
        repository.resolve("HEAD~2")
    diff = compare(Reader(repository), repository.resolve("HEAD~1"), repository.head())
    assert diff.outcome in ("better", "unknown")
    assert any("shallow" in note for note in diff.notes)


def test_a_bare_repository(plain: Project, tmp_path: Path) -> None:
    score(plain, 0.6, "second")
    plain.git("clone", "--quiet", "--bare", str(plain.path), str(tmp_path / "bare.git"))
    assert subjects(tmp_path / "bare.git") == ["second", "first"]
    repository = Repository(tmp_path / "bare.git")
    assert repository.workspace().commit is not None


def test_a_detached_head(plain: Project) -> None:
    score(plain, 0.6, "second")
    plain.git("switch", "--quiet", "--detach", "HEAD~1")
    assert subjects(plain.path) == ["first"]
    assert subjects(plain.path, everything=True) == ["second", "first"]
    score(plain, 0.9, "on no branch")
    assert subjects(plain.path, everything=True) == ["on no branch", "second", "first"]


def test_a_linked_worktree(plain: Project, tmp_path: Path) -> None:
    plain.git("worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    linked = Project(tmp_path / "linked", plain.commits)
    score(linked, 0.8, "in the linked one")
    assert subjects(linked.path) == ["in the linked one", "first"]
    assert subjects(plain.path) == ["first"]


def test_a_rewritten_commit_of_equal_results_is_one_run(plain: Project) -> None:
    score(plain, 0.6, "second")
    plain.git("branch", "before")
    plain.git("commit", "--quiet", "--amend", "--message", "second, reworded")
    assert len(subjects(plain.path, everything=True)) == 2


def test_a_dvc_root_below_the_git_root(new_project: New) -> None:
    project = new_project(dvc=False)
    (project.path / "ml").mkdir()
    inner = Project(project.path / "ml")
    inner.dvc("init", "--quiet", "--subdir")
    inner.write("dvc.yaml", "metrics: [metrics.json]\n")
    project.write("dvc.yaml", "metrics: [other.json]\n")
    project.write("other.json", {"accuracy": 0.1})
    score(inner, 0.5, "inner")
    score(inner, 0.6, "inner again")
    assert subjects(inner.path) == ["inner again", "inner"]
    # The outer repository doesn't take the inner one's pipelines for its own.
    repository = Repository(project.path)
    reader = Reader(repository)
    assert list(reader.metrics(repository.snapshot(repository.head()))) == ["other.json"]


def test_ignored_pipelines_are_left_out(new_project: New) -> None:
    project = new_project(dvc=False)
    for folder in ("kept", "old", "scratch"):
        project.write(f"{folder}/dvc.yaml", "metrics: [metrics.json]\n")
        project.write(f"{folder}/metrics.json", {"accuracy": 0.5})
    project.write(".dvcignore", "# not these\n/old\n")
    project.write(".gitignore", "/scratch/\n")
    project.commit("start")
    repository = Repository(project.path)
    for revision in (repository.head(), repository.workspace()):
        found = Reader(repository).metrics(repository.snapshot(revision))
        assert list(found) == ["kept/metrics.json"]


def test_a_broken_pipeline_file_is_a_row_that_says_so(plain: Project) -> None:
    plain.write("dvc.yaml", "metrics: [metrics.json\n")
    plain.commit("break")
    plain.write("dvc.yaml", "metrics: [metrics.json]\n")
    plain.commit("mend")
    repository = Repository(plain.path)
    found = rank_runs(Reader(repository), default_tips(repository))
    assert [row.run.subject for row in found.rows] == ["first"]
    (row,) = found.unranked
    assert row.run.subject == "break"
    assert "dvc.yaml, line" in row.reasons[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such paths")
def test_paths_that_are_not_utf8(plain: Project) -> None:
    folder = os.fsencode(plain.path) + b"/caf\xe9"
    os.mkdir(folder)
    with open(folder + b"/dvc.yaml", "w") as file:
        file.write("metrics: [m.json]\n")
    with open(folder + b"/m.json", "w") as file:
        file.write('{"accuracy": 0.25}')
    plain.commit("odd path")
    repository = Repository(plain.path)
    for revision in (repository.head(), repository.workspace()):
        found = Reader(repository).metrics(repository.snapshot(revision))
        assert sorted(file.values["accuracy"] for file in found.values()) == [0.25, 0.5]


def test_tags_of_what_is_no_commit_and_broken_references(plain: Project) -> None:
    plain.git("tag", "blob", plain.git("rev-parse", "HEAD:dvc.yaml"))
    plain.git("tag", "--annotate", "--message", "good", "v1")
    plain.write(".git/refs/heads/gone", "0" * 39 + "1\n")
    assert subjects(plain.path, everything=True) == ["first"]
    assert subjects(plain.path, "v1") == ["first"]
    with pytest.raises(HistoryError, match="no commit, branch or tag"):
        Repository(plain.path).resolve("blob")


def test_a_submodule_is_passed_by(plain: Project, new_project: New) -> None:
    other = new_project("other", dvc=False)
    other.write("dvc.yaml", "metrics: [metrics.json]\n")
    score(other, 0.9, "other")
    plain.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "part"
    )
    plain.commit("add a submodule")
    repository = Repository(plain.path)
    found = Reader(repository).metrics(repository.snapshot(repository.head()))
    assert list(found) == ["metrics.json"]


def test_a_sha256_repository_is_refused_with_the_reason(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.git("init", "--quiet", "--object-format=sha256")
    with pytest.raises(HistoryError, match="object format") as caught:
        Repository(tmp_path)
    assert "SHA-1" in str(caught.value.allowed)


def test_no_default_branch(plain: Project) -> None:
    plain.git("branch", "--move", "trunk")
    with pytest.raises(HistoryError, match="no default branch"):
        Repository(plain.path).default_base()


def test_the_remotes_default_branch_is_the_base(plain: Project, tmp_path: Path) -> None:
    plain.git("branch", "--move", "trunk")
    first = plain.git("rev-parse", "HEAD")
    clone = Project(tmp_path / "clone")
    plain.git("clone", "--quiet", str(plain.path), str(clone.path))
    clone.git("switch", "--quiet", "--create", "work")
    clone.git("branch", "--delete", "--force", "trunk")
    base = Repository(clone.path).default_base()
    assert str(base.commit.id if base.commit else None) == first


def test_histories_without_a_common_commit(plain: Project) -> None:
    plain.git("switch", "--quiet", "--orphan", "other")
    plain.write("README.md", "apart")
    plain.commit("apart")
    with pytest.raises(HistoryError, match="no common commit"):
        Repository(plain.path).default_base()


def test_inside_a_submodule_with_a_dvc_of_its_own(plain: Project, new_project: New) -> None:
    other = new_project("other")
    other.write("dvc.yaml", "metrics: [metrics.json]\n")
    score(other, 0.9, "other")
    plain.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "part"
    )
    plain.commit("add a submodule")
    # There `.git` is a file that names a folder of the outer repository's.
    assert (plain.path / "part" / ".git").is_file()
    inner = Project(plain.path / "part", plain.commits)
    score(inner, 0.95, "inner")
    assert subjects(inner.path) == ["inner", "other"]
    assert Repository(inner.path).root == inner.path
    # The outer one knows nothing of what the inner one's working tree holds.
    assert subjects(plain.path) == ["first"]


def test_a_branch_that_was_forced_keeps_its_runs_on_the_remote(
    plain: Project, tmp_path: Path
) -> None:
    score(plain, 0.6, "second")
    clone = Project(tmp_path / "clone", plain.commits)
    plain.git("clone", "--quiet", str(plain.path), str(clone.path))
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    score(clone, 0.7, "second, rewritten")
    assert subjects(clone.path) == ["second, rewritten", "first"]
    assert subjects(clone.path, everything=True) == ["second, rewritten", "second", "first"]
    repository = Repository(clone.path)
    named = {run.subject: run.branch for run in rank_all(repository)}
    assert named["second"] == "origin/main"


def rank_all(repository: Repository) -> list[Run]:
    return collect_runs(Reader(repository), find_tips(repository, (), everything=True))


def test_names_in_other_encodings(plain: Project) -> None:
    plain.write("metrics.json", {"accuracy": 0.6})
    plain.git("add", "--all")
    author = os.fsdecode("André Müller".encode("latin-1"))
    plain.run(
        *("git", "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet"),
        *("--message", os.fsdecode("zweiter Versuch, größer".encode("latin-1"))),
        env={"GIT_AUTHOR_NAME": author},
    )
    plain.write("metrics.json", {"accuracy": 0.7})
    plain.git("add", "--all")
    plain.run(
        *("git", "-c", "i18n.commitEncoding=no-such-code", "commit", "--quiet"),
        *("--message", "third"),
        env={"GIT_AUTHOR_NAME": author},
    )
    runs = rank_all(Repository(plain.path))
    assert [(run.subject, run.author) for run in runs[:2]] == [
        ("third", "Andr\ufffd M\ufffdller"),
        ("zweiter Versuch, größer", "André Müller"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
def test_symbolic_links_are_read_through(plain: Project) -> None:
    plain.write("real/deep/m.json", {"accuracy": 0.7})
    for name, target in (
        ("link.json", "real/deep/m.json"),
        ("folder", "real"),
        ("twice.json", "link.json"),
        ("real/up.json", "../link.json"),
        ("outside.json", "../../outside.json"),
        ("absolute.json", "/etc/hostname"),
        ("loop.json", "loop.json"),
        ("gone.json", "nothing.json"),
    ):
        (plain.path / name).symlink_to(target)
    inside = ["link.json", "folder/deep/m.json", "twice.json", "real/up.json"]
    outside = ["outside.json", "absolute.json", "loop.json", "gone.json"]
    plain.write("dvc.yaml", f"metrics: {inside + outside}\n")
    plain.commit("link")
    reader = plain.reader()
    commit = reader.metrics(reader.repository.snapshot(reader.repository.head()))
    assert [commit[path].values for path in inside] == [{"accuracy": 0.7}] * 4
    assert all(commit[path].missing for path in outside)
    workspace = reader.metrics(reader.repository.snapshot(reader.repository.workspace()))
    assert [workspace[path].values for path in inside] == [{"accuracy": 0.7}] * 4


def test_a_file_that_may_be_executed_and_one_that_is_huge(plain: Project) -> None:
    metrics = {"accuracy": 0.75, "losses": {f"step_{step}": 1 / step for step in range(1, 20_001)}}
    plain.write("metrics.json", metrics)
    (plain.path / "metrics.json").chmod(0o755)
    plain.commit("log every step")
    found = rank_all_rows(plain)
    assert [row.value for row in found.rows] == [0.75, 0.5]
    reader = plain.reader()
    snapshot = reader.repository.snapshot(reader.repository.head())
    assert len(reader.metrics(snapshot)["metrics.json"].values) == 20_001


def rank_all_rows(project: Project) -> Leaderboard:
    reader = project.reader()
    return rank_runs(reader, default_tips(reader.repository))


def test_conflict_markers_are_one_row(plain: Project) -> None:
    plain.write("metrics.json", '<<<<<<< HEAD\n{"accuracy": 1}\n=======\n{}\n>>>>>>> side\n')
    plain.commit("resolve nothing")
    score(plain, 0.6, "resolve")
    found = rank_all_rows(plain)
    assert [row.run.subject for row in found.rows] == ["resolve", "first"]
    (row,) = found.unranked
    assert row.run.subject == "resolve nothing"
    assert row.reasons[0].startswith("metrics.json: ")


def test_many_references(plain: Project) -> None:
    commit = score(plain, 0.6, "second")
    packed = "".join(f"{commit} refs/heads/feature/{n:05}\n" for n in range(5000))
    plain.write(".git/packed-refs", f"# pack-refs with: peeled fully-peeled sorted \n{packed}")
    assert subjects(plain.path, everything=True) == ["second", "first"]
    assert subjects(plain.path, "feature/0499*") == ["second", "first"]
    with pytest.raises(HistoryError, match="did you mean 'feature/00042'"):
        Repository(plain.path).resolve("feature/00042x")
