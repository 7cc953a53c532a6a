"""What is remembered gives the same answer as what is read anew, whatever happened in between."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygit2
import pytest

from fivefold.history import memory
from fivefold.history.git.graph import Parents
from fivefold.history.git.repository import Repository
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import to_dict
from fivefold.history.memory import Memory
from fivefold.history.reader import Reader
from fivefold.history.runs import default_tips, find_tips

from .conftest import START, Project

New = Callable[..., Project]


def rank(path: Path, *, everything: bool = True, metric: str | None = None) -> dict[str, Any]:
    repository = Repository(path)
    tips = find_tips(repository, [], everything=True) if everything else default_tips(repository)
    return to_dict(rank_runs(Reader(repository), tips, metric=metric, top=None))


def rank_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rank with what is remembered, and without, leaving the memory as the first call left it."""
    monkeypatch.setattr(memory, "_LONG", 1)
    warm = rank(path, **options)
    kept = Memory.of(Repository(path).git).path
    assert kept.is_file()
    aside = kept.rename(kept.with_suffix(".aside"))
    monkeypatch.setattr(memory, "_LONG", 10**9)
    cold = rank(path, **options)
    assert not kept.exists()
    aside.rename(kept)
    monkeypatch.setattr(memory, "_LONG", 1)
    return warm, cold


@pytest.fixture
def project(new_project: New, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Six runs on main and two on a branch, ranked once."""
    monkeypatch.setattr(memory, "_LONG", 1)
    project = new_project(dvc=False)
    project.git("symbolic-ref", "HEAD", "refs/heads/main")
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    for place in range(6):
        project.write("metrics.json", {"accuracy": place / 10, "loss": 1 - place / 10})
        project.commit(f"run {place}")
    project.git("switch", "--quiet", "--create", "side", "HEAD~3")
    for place in range(2):
        project.write("metrics.json", {"accuracy": 0.7 + place / 10})
        project.commit(f"side {place}")
    project.git("switch", "--quiet", "main")
    rank(project.path)
    return project


def edit(project: Project) -> None:
    project.write("metrics.json", {"accuracy": 0.95})


def rewrite(project: Project) -> None:
    project.git("reset", "--quiet", "--hard", "HEAD~2")
    project.write("metrics.json", {"accuracy": 0.33})
    project.commit("instead")


def prune(project: Project) -> None:
    rewrite(project)
    project.git("branch", "--delete", "--force", "side")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")


def declare_goal(project: Project) -> None:
    project.write("fivefold.yaml", "goals: {loss: minimize}\n")


def declare_board(project: Project) -> None:
    project.write("conf/leaderboard/default.yaml", "metric: loss\nqualify: {loss: {max: 0.8}}\n")


def ignore(project: Project) -> None:
    project.write("sub/dvc.yaml", "metrics: [metrics.json]\n")
    project.write("sub/metrics.json", {"accuracy": 1})
    project.commit("below")
    rank(project.path)
    project.write(".dvcignore", "sub\n")
    project.commit("ignored")


def merge(project: Project) -> None:
    project.git("merge", "--quiet", "--strategy=ours", "-m", "merge", "side")


def replace(project: Project) -> None:
    project.git("replace", "--graft", "HEAD~2", "side")


def replace_packed(project: Project) -> None:
    replace(project)
    project.git("pack-refs", "--all")


def graft(project: Project) -> None:
    parent, other = project.git("rev-parse", "HEAD~2"), project.git("rev-parse", "side")
    folder = project.path / ".git" / "info"
    folder.mkdir(exist_ok=True)
    (folder / "grafts").write_text(f"{parent} {other}\n")


def start_dvc_below(project: Project) -> None:
    project.write(".dvc/config", "")
    project.write("inner/.dvc/config", "")
    project.write("inner/dvc.yaml", "metrics: [metrics.json]\n")
    project.write("inner/metrics.json", {"accuracy": 0.2})
    project.commit("a project inside")


EVENTS = [edit, rewrite, prune, declare_goal, declare_board, ignore, merge]
EVENTS += [replace, replace_packed, graft, start_dvc_below]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_what_happened_since(
    project: Project, event: Callable[[Project], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    event(project)
    for everything in (True, False):
        warm, cold = rank_twice(project.path, monkeypatch, everything=everything)
        assert warm == cold
    inner = project.path / "inner"
    if inner.is_dir():
        warm, cold = rank_twice(inner, monkeypatch)
        assert warm == cold
        assert [row["value"] for row in warm["rows"]] == [0.2]


def test_a_graft_hides_what_it_cuts_off(project: Project) -> None:
    before = rank(project.path, everything=False)
    graft(project)
    after = rank(project.path, everything=False)
    told = [{row["subject"] for row in found["rows"]} for found in (before, after)]
    assert "run 2" in told[0]
    assert "side 1" not in told[0]
    assert "side 1" in told[1]


def test_a_shallow_clone_is_deepened(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    project.git("clone", "--quiet", "--depth", "3", f"file://{project.path}", str(clone))
    shallow, cold = rank_twice(clone, monkeypatch)
    assert shallow == cold
    assert len(shallow["rows"]) == 3
    Project(clone).git("fetch", "--quiet", "--unshallow")
    whole, cold = rank_twice(clone, monkeypatch)
    assert whole == cold
    # A metric of nought is a metric.
    assert len(whole["rows"]) == 6


def test_cached_metrics_that_are_fetched_later(
    new_project: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_LONG", 1)
    project = new_project()
    project.write(
        "dvc.yaml",
        """
        stages:
          one: {cmd: cp params.yaml one.json, deps: [params.yaml], metrics: [one.json]}
          two: {cmd: cp two.in two.json, deps: [two.in], metrics: [two.json]}
        """,
    )
    project.write("two.in", {"accuracy": 0.9})
    for place in range(3):
        project.write("params.yaml", {"accuracy": place / 10})
        project.dvc("repro", "--quiet")
        project.commit(f"run {place}")
    whole, cold = rank_twice(project.path, monkeypatch, metric="one.json:accuracy")
    assert whole == cold
    assert len(whole["rows"]) == 3
    Memory.of(Repository(project.path).git).path.unlink()
    cache = project.path / ".dvc" / "cache"
    cache.rename(cache.with_name("away"))
    # The working tree has both files, whatever the cache lacks.
    for name in ("one.json", "two.json"):
        (project.path / name).unlink()
    found = project.path / ".dvc" / "away"
    two = next(p for p in found.rglob("*") if p.is_file() and b"0.9" in p.read_bytes())
    aside = two.rename(project.path / "aside")
    found.rename(cache)
    # Only one file of each run is at hand, and so nothing speaks against it.
    lacking, cold = rank_twice(project.path, monkeypatch, metric="accuracy:maximize")
    assert lacking == cold
    assert len(lacking["rows"]) == 3
    two = cache / two.relative_to(found)
    aside.rename(two)
    # With the other at hand, the name alone says too little.
    for _ in range(2):
        with pytest.raises(Exception, match="several files of each run have it"):
            rank(project.path, metric="accuracy:maximize")


@pytest.mark.parametrize("seed", range(6))
def test_random_histories(new_project: New, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Commits, merges, rewritten and deleted branches, with clocks that go wrong."""
    chance = random.Random(seed)  # noqa: S311
    project = new_project(dvc=False)
    git = pygit2.Repository(str(project.path))
    project.git("symbolic-ref", "HEAD", "refs/heads/main")
    commits: list[pygit2.Oid] = []

    def commit(branch: str, parents: list[pygit2.Oid]) -> None:
        builder = git.TreeBuilder()
        files = {
            "dvc.yaml": "metrics: [metrics.json]\nparams: [params.yaml]\n",
            "params.yaml": f"depth: {chance.randrange(3)}\n",
            "metrics.json": json.dumps({"accuracy": chance.randrange(12)}),
            "README.md": str(chance.random()),
        }
        if commits and chance.random() < 0.1:
            del files["metrics.json"]
        for name, text in files.items():
            builder.insert(name, git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB)
        clock = START + chance.randrange(60)
        who = pygit2.Signature("A", "a@example.org", clock, 60)
        message = f"run {len(commits)}"
        made = git.create_commit(None, who, who, message, builder.write(), parents)
        commits.append(made)
        git.references.create(f"refs/heads/{branch}", made, force=True)

    commit("main", [])
    for _ in range(12):
        for _ in range(chance.randrange(1, 8)):
            branch = chance.choice(["main", "one", "two", "three"])
            known = git.branches.local.get(branch)
            start = known.target if known and chance.random() < 0.8 else chance.choice(commits)
            others = chance.sample(commits, k=min(len(commits), chance.choice([0, 0, 0, 1, 2])))
            commit(branch, list(dict.fromkeys([start, *others])))
        if chance.random() < 0.3 and "two" in git.branches.local:
            git.references.delete("refs/heads/two")
        if chance.random() < 0.3:
            git.references.create("refs/heads/main", chance.choice(commits), force=True)
        project.git("reset", "--quiet", "--hard", "main")
        for everything in (True, False):
            warm, cold = rank_twice(project.path, monkeypatch, everything=everything)
            assert warm == cold


def test_a_piece_that_was_damaged_is_read_anew(project: Project) -> None:
    expected = rank(project.path)
    kept = Memory.of(Repository(project.path).git).path
    data = bytearray(kept.read_bytes())
    commit = Repository(project.path).git.head.target.raw
    data[data.index(commit) + 3] ^= 1
    kept.write_bytes(data)
    assert rank(project.path) == expected
    assert commit in kept.read_bytes() or not kept.exists()
    assert rank(project.path) == expected


def test_two_calls_that_read_the_same_new_commits(project: Project) -> None:
    project.write("metrics.json", {"accuracy": 0.91})
    project.commit("newer")
    first, second = (Reader(Repository(project.path)) for _ in range(2))
    found = []
    for reader in (first, second):
        # Both have read what is remembered before either writes.
        tips = find_tips(reader.repository, [], everything=True)
        reader.memory.graph(reader.repository.prefix, Parents())
        found.append(tips)
    results = [to_dict(rank_runs(r, t)) for r, t in zip((first, second), found, strict=True)]
    assert results[0] == results[1] == rank(project.path)


def test_ten_thousand_branches_packed_and_loose(project: Project) -> None:
    ids = project.git("rev-list", "--all").split()
    git = pygit2.Repository(str(project.path))
    for place in range(200):
        git.references.create(f"refs/heads/loose/{place}", ids[place % len(ids)])
    packed = project.path / ".git" / "packed-refs"
    lines = [f"{ids[n % len(ids)]} refs/heads/many/{n:05d}\n" for n in range(10_000)]
    packed.write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines))
    repository = Repository(project.path)
    assert len(find_tips(repository, [], everything=True)) == 10_202
    assert len(find_tips(repository, ["many/*"], everything=False)) == 10_000
    found = rank(project.path)
    assert len(found["rows"]) == 8
    assert found["rows"][-1]["branch"] == "main"
