"""Where the head stands among the runs of its branch and of the default branch."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest

from fivefold.history.checks import Checks, Found
from fivefold.history.diff.changes import Place
from fivefold.history.diff.parts import place_text
from fivefold.history.diff.place import find_place
from fivefold.history.git.snapshots import CommitSnapshot, Snapshot
from fivefold.history.integrity import Integrity, check
from fivefold.history.leaderboard import evaluation
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import to_dict
from fivefold.history.reader import Reader
from fivefold.history.runs import find_tips

from .conftest import Project


def place(project: Project, base: str, head: str | None = None, most: int = 99) -> Place | None:
    reader = project.reader()
    repository = reader.repository
    return find_place(
        reader,
        repository.resolve(base),
        repository.resolve(head) if head else repository.workspace(),
        most=most,
    )


def step(project: Project, old: str, new: str, message: str) -> str:
    project.edit("params.yaml", old, new)
    project.dvc("repro", "--quiet")
    return project.commit(message)


@pytest.fixture
def deeper(flights: Project) -> Project:
    """On the branch forest: four more runs, each beyond the noise of the ones before."""
    for old, new in (("3", "40"), ("40", "80"), ("80", "10"), ("10", "60")):
        step(flights, f"depth: {old}", f"depth: {new}", f"Depth {new}")
    return flights


def test_the_rank_is_the_leaderboard_s(deeper: Project) -> None:
    found = place(deeper, "main", "HEAD")
    assert found is not None
    reader = deeper.reader()
    board = rank_runs(
        reader, find_tips(reader.repository, ["main", "forest"], everything=False), top=None
    )
    ranks = {row.run.id: row.rank for row in board.rows}
    assert found.rank == ranks[deeper.git("rev-parse", "HEAD")] == 2
    assert found.was == ranks[deeper.git("rev-parse", "main")]
    assert found.ranked == len(board.rows) == 7
    assert [value for _, value in found.trend] == [
        row.value for row in sorted(board.rows, key=lambda row: row.run.time.timestamp())
    ]
    assert place_text(found) == f"2 of 7 by roc_auc, was {found.was}"


def test_who_cannot_be_told_from_the_leader_shares_its_rank(flights: Project) -> None:
    step(flights, "depth: 3", "depth: 4", "A little deeper")
    found = place(flights, "HEAD~1", "HEAD")
    assert found is not None
    assert (found.rank, found.was) == (1, 1)
    assert found.shared == (flights.git("rev-parse", "--short=7", "HEAD~1"),)
    assert "shared with" in place_text(found)


def test_what_is_not_committed_has_a_place(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 90")
    flights.dvc("repro", "--quiet")
    found = place(flights, "main")
    assert found is not None
    assert (found.rank, found.ranked) == (1, 4)
    assert found.trend[-1][0] == "workspace"


def test_a_commit_of_prose_has_the_place_of_its_results(flights: Project) -> None:
    before = place(flights, "main", "HEAD")
    flights.write("README.md", "prose")
    flights.commit("Prose")
    assert place(flights, "main", "HEAD") == before


def test_results_edited_by_hand_have_no_place(flights: Project) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.99})
    found = place(flights, "main")
    assert found is not None
    assert found.rank is None
    assert found.was == 2
    assert "metrics/evaluate.json is not what stage evaluate wrote" in place_text(found)


def test_a_run_judged_on_other_data_is_not_compared(flights: Project) -> None:
    flights.edit("dvc.yaml", "data/clean.csv]", "data/test.csv]")
    for name in ("clean.py", "evaluate.py", "dvc.yaml"):
        text = (flights.path / name).read_text().replace("data/clean.csv", "data/test.csv")
        (flights.path / name).write_text(text)
    first = step(flights, "rows: 100", "rows: 95", "Fewer rows, of a name that tells their use")
    step(flights, "rows: 95", "rows: 90", "Fewer still")
    found = place(flights, first, "HEAD")
    assert found is not None
    assert (found.rank, found.was) == (1, None)
    assert first[:7] not in [name for name, _ in found.trend]


def test_few_are_looked_into_and_what_was_found_is_kept(deeper: Project) -> None:
    hidden = place(deeper, "main", "HEAD", most=2)
    assert hidden is not None
    assert hidden.unchecked == 5
    assert "5 of them not looked into" in place_text(hidden)
    assert place(deeper, "main", "HEAD", most=0) == hidden
    whole = place(deeper, "main", "HEAD")
    assert whole is not None
    assert whole.unchecked == 0
    # The next call looks into nothing, and finds the same.
    assert place(deeper, "main", "HEAD", most=0) == whole


def test_what_is_kept_may_be_lost_or_spoilt(deeper: Project) -> None:
    whole = place(deeper, "main", "HEAD")
    (kept,) = (deeper.path / ".git/fivefold").glob("checks-*.sqlite3")
    kept.write_bytes(b"no database" * 99)
    assert place(deeper, "main", "HEAD") == whole
    kept.unlink()
    kept.mkdir()
    assert place(deeper, "main", "HEAD") == whole


def test_what_is_kept_is_what_was_found(flights: Project) -> None:
    reader = flights.reader()
    snapshot = reader.repository.snapshot(reader.repository.resolve("HEAD"))
    found = Found(check(reader, snapshot), "data/test.csv 1234", None)
    odd = Found(Integrity("edited", ("caf\udce9.json is not what stage a wrote",)), None, "rmse")
    here = reader.repository.snapshot(reader.repository.workspace())
    checks = Checks(flights.path / ".git/fivefold")
    for question, what, kept in (("q", snapshot, found), ("odd", snapshot, odd), ("q", here, odd)):
        checks.keep(question, what, kept)
    checks.save()
    again = Checks(flights.path / ".git/fivefold")
    assert again.find("q", snapshot) == found
    assert again.find("odd", snapshot) == odd
    assert again.find("other", snapshot) is None
    # The working tree may change under its name.
    assert again.find("q", here) is None


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '["fine", [], null, null]', '["ok", 1, 2, 3]', "7"]
)
def test_an_entry_that_is_not_what_was_written_is_looked_into_anew(
    deeper: Project, text: str
) -> None:
    whole, rows = place(deeper, "main", "HEAD"), ranked(deeper)
    (kept,) = (deeper.path / ".git/fivefold").glob("checks-*.sqlite3")
    with contextlib.closing(sqlite3.connect(kept)) as database, database:
        assert database.execute("update checks set found = ?", (text,)).rowcount
    assert place(deeper, "main", "HEAD") == whole
    assert ranked(deeper) == rows


def ranked(project: Project) -> dict[str, Any]:
    reader = project.reader()
    tips = find_tips(reader.repository, ["main", "forest"], everything=False)
    return to_dict(rank_runs(reader, tips, top=None))


def test_the_leaderboard_looks_into_a_run_once(
    deeper: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeper.edit("params.yaml", "depth: 60", "depth: 61")
    deeper.commit("Forget to run")
    deeper.edit("params.yaml", "depth: 61", "depth: 62")
    first = ranked(deeper)
    asked = []

    def spy(reader: Reader, snapshot: Snapshot) -> Integrity:
        asked.append(snapshot)
        return check(reader, snapshot)

    monkeypatch.setattr(evaluation, "check", spy)
    assert ranked(deeper) == first
    assert [row["integrity"] for row in first["unranked"]] == ["stale", "stale"]
    # What may change under its name is looked into every time.
    assert [isinstance(snapshot, CommitSnapshot) for snapshot in asked] == [False]


def test_without_metrics_there_is_no_place(new_project) -> None:  # type: ignore[no-untyped-def]
    project = new_project()
    project.write("README.md", "nothing to rank")
    project.commit("Start")
    assert place(project, "HEAD", "HEAD") is None
