"""Which runs were judged on the same test part, told by the fingerprint that the split leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import render_leaderboard
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.runs import find_tips

from .conftest import Project

PIPELINE = """
    stages:
      split:
        cmd: python split.py
        params: [split]
        outs:
          - data/test.csv: {cache: false}
          - reports/split.json: {cache: false}
      evaluate:
        cmd: python evaluate.py
        deps: [data/test.csv]
        params: [skill]
        metrics:
          - metrics/evaluate.json: {cache: false}
"""

# `format` is how the file is written, `rows` what is in it.
SPLIT = """
    import json, yaml
    split = yaml.safe_load(open("params.yaml"))["split"]
    open("data/test.csv", "w").write(f"{split['format']}: {split['rows']}")
    told = {"test_content": f"{split['rows']:<032x}"} if split["told"] else {}
    json.dump(told, open("reports/split.json", "w"))
"""

EVALUATE = """
    import json, yaml
    skill = yaml.safe_load(open("params.yaml"))["skill"]
    json.dump({"accuracy": skill}, open("metrics/evaluate.json", "w"))
"""


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    found = new_project()
    for path, content in (
        ("dvc.yaml", PIPELINE), ("split.py", SPLIT), ("evaluate.py", EVALUATE),
        ("data/.gitkeep", ""), ("reports/.gitkeep", ""), ("metrics/.gitkeep", ""),
    ):  # fmt: skip
        found.write(path, content)
    return found


def run(project: Project, message: str, skill: float, **split: object) -> None:
    project.write("params.yaml", {"skill": skill, "split": {"told": True, **split}})
    project.dvc("repro", "--quiet")
    project.commit(message)


def board(project: Project) -> Leaderboard:
    reader = project.reader()
    return rank_runs(reader, find_tips(reader.repository, (), everything=True))


def listed(found: Leaderboard) -> tuple[list[str], list[list[str]]]:
    apart = [[row.run.subject for row in rows] for rows in found.elsewhere.values()]
    return [row.run.subject for row in found.rows], apart


def test_another_test_part_starts_a_new_group_and_another_file_of_the_same_does_not(
    project: Project,
) -> None:
    run(project, "before fingerprints", 0.95, rows=1, format=1, told=False)
    run(project, "first", 0.9, rows=1, format=1)
    # What has no fingerprint is known by its file.
    assert listed(board(project)) == (["before fingerprints", "first"], [])
    run(project, "same rows, written anew", 0.8, rows=1, format=2)
    assert listed(board(project))[0] == ["first", "same rows, written anew"]
    run(project, "other rows", 0.7, rows=2, format=2)
    found = board(project)
    assert [row.run.subject for row in found.rows] == ["other rows"]
    label = "data/test.csv 10000000"
    apart = [row.run.subject for row in found.elsewhere[label]]
    assert apart == ["first", "same rows, written anew"]
    assert [row.rank for row in found.elsewhere[label]] == [1, 2]
    assert any("what runs are judged on has changed" in note for note in found.notes)
    assert "Judged on other data" in render_leaderboard(found, "table")
    # Whoever asks for the file's own hash gets it, and a value of any report can be asked for.
    project.write("fivefold.yaml", "data: [data/test.csv]\n")
    assert listed(board(project)) == (
        ["other rows"],
        [["before fingerprints", "first"], ["same rows, written anew"]],
    )
    project.write("fivefold.yaml", "data: ['reports/split.json:test_content']\n")
    assert listed(board(project)) == (
        ["other rows"],
        [["before fingerprints"], ["first", "same rows, written anew"]],
    )
