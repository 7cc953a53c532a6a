"""What is kept on disk serves the next call, and never harms one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from fivefold.history import memory as memory_module
from fivefold.history.git.repository import Repository
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import to_dict
from fivefold.history.memory import Memory
from fivefold.history.reader import Reader
from fivefold.history.runs import default_tips

from .conftest import Project


@pytest.fixture
def project(new_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A history of six runs, remembered though it is short."""
    monkeypatch.setattr(memory_module, "_LONG", 1)
    project = new_project(dvc=False)
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    for place in range(6):
        project.write("metrics.json", {"accuracy": place / 10, "loss": 1 - place / 10})
        project.commit(f"run {place}")
    return project


def rank(path: Path, metric: str | None = None) -> dict[str, object]:
    repository = Repository(path)
    return to_dict(rank_runs(Reader(repository), default_tips(repository), metric=metric))


def memory(project: Project) -> Path:
    return Memory.of(Repository(project.path).git).path


def test_the_second_call_reads_no_file_for_what_the_first_has_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rank(project.path)
    assert memory(project).is_file()
    asked: list[str] = []
    real = Reader.results_key

    def spy(self: Reader, *arguments: object, **options: object) -> object:
        asked.append("key")
        return real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "results_key", spy)
    assert rank(project.path) == first
    # Only the working tree and HEAD are held against each other anew.
    assert len(asked) == 2
    # Another metric of the same commits is read, and right.
    other = rank(project.path, "loss")
    assert [row["value"] for row in other["rows"]] == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]  # type: ignore[attr-defined]


def test_a_new_commit_is_seen(project: Project) -> None:
    rank(project.path)
    project.write("metrics.json", {"accuracy": 0.99})
    project.commit("better")
    assert rank(project.path)["rows"][0]["subject"] == "better"  # type: ignore[index]


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "folder", "wrong values"])
def test_a_broken_file_is_done_without(project: Project, damage: str) -> None:
    expected = rank(project.path)
    path = memory(project)
    match damage:
        case "garbage":
            path.write_bytes(b"no database" * 1000)
        case "truncated":
            path.write_bytes(path.read_bytes()[:5000])
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.unlink()
            path.mkdir()
        case "wrong values":
            import sqlite3

            with sqlite3.connect(path) as database:
                database.execute("update scores set value = 'high'")
            database.close()
    assert rank(project.path) == expected
    assert rank(project.path) == expected


def test_a_folder_that_can_not_be_written(project: Project) -> None:
    (project.path / ".git" / "fivefold").write_text("a file stands where the folder should be")
    assert rank(project.path) == rank(project.path)


def _rank_often(path: Path) -> list[dict[str, object]]:
    memory_module._LONG = 1
    return [rank(path) for _ in range(5)]


def test_two_processes_at_once(project: Project) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(_rank_often, [project.path] * 2)
    expected = rank(project.path)
    assert all(result == expected for results in found for result in results)
