"""The leaderboard's shared ranks, by the predictions of the runs and the leader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import to_dict
from fivefold.history.runs import find_tips

from .conftest import Project
from .test_rows import cached, diff, made, project  # noqa: F401  fixtures

SAID = 'out["interval"] = {"roc_auc": {"low": auc - 0.1, "high": auc + 0.1}}'
BEFORE = 'pathlib.Path("out").mkdir'


@pytest.fixture
def ranked(project: Project) -> Project:  # noqa: F811
    """Runs whose intervals all overlap: a weak one, a strong one, and one nearly as strong."""
    project.git("switch", "--quiet", "--create", "wide", "main")
    project.dvc("checkout", "--quiet")
    project.edit("evaluate.py", BEFORE, f"{SAID}\n{BEFORE}")
    for old, new in (("0.0", "0.1"), ("0.1", "0.6"), ("0.6", "0.62")):
        project.edit("params.yaml", old, new)
        project.dvc("repro", "--quiet")
        project.commit(f"Skill {new}")
    return project


def board(project: Project, **options: Any) -> dict[str, Any]:  # noqa: F811
    reader = project.reader()
    tips = find_tips(reader.repository, ["wide"], everything=False)
    return to_dict(rank_runs(reader, tips, where="skill > 0", **options))


def test_the_rows_tell_what_the_intervals_can_not(ranked: Project) -> None:
    by_intervals = board(ranked)
    assert [row["rank"] for row in by_intervals["rows"]] == [1, 1, 1]
    found = board(ranked, paired=True)
    assert [r["commit"] for r in found["rows"]] == [r["commit"] for r in by_intervals["rows"]]
    leader = found["rows"][0]["commit"]
    for place, row in enumerate(found["rows"][1:], start=2):
        _, metrics = diff(ranked, leader, row["commit"])
        change = metrics["roc_auc"]
        assert change.rows == 600
        noise = change.judgement in ("noise", "same")
        assert row["within_noise_of_leader"] == (change.judgement == "noise")
        assert row["rank"] == (1 if noise else place)
    assert [row["rank"] for row in found["rows"]] == [1, 1, 3]
    assert any("paired bootstrap" in note for note in found["notes"])


def test_what_is_not_at_hand_is_judged_by_intervals_and_said(ranked: Project) -> None:
    before = board(ranked)
    for revision in ("wide", "wide~1", "wide~2"):
        cached(ranked, revision).unlink()
    found = board(ranked, paired=True)
    assert [row["rank"] for row in found["rows"]] == [row["rank"] for row in before["rows"]]
    assert any("is not in DVC's cache" in note for note in found["notes"])


def test_candidates_stay_with_their_intervals(ranked: Project) -> None:
    ranked.write("conf/leaderboard/groups.yaml", "metric: roc_auc\ncandidates: {by: [branch]}\n")
    before = json.loads(ranked.run("fivefold", "leaderboard", "--all", "--format", "json"))
    found = json.loads(ranked.run("fivefold", "leaderboard", "--all", "--rows", "--format", "json"))
    assert found["rows"] == before["rows"]
    assert any("this board's ranks are by intervals" in note for note in found["notes"])
