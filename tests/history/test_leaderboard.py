"""``fivefold leaderboard`` on a repository made with Git and DVC."""

from __future__ import annotations

import csv
import json

import pytest

from fivefold.errors import HistoryError
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import render_leaderboard
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.runs import default_tips, find_tips

from .conftest import PARAMS, Project


def board(project: Project, *refs: str, everything: bool = False, **options: object) -> Leaderboard:
    reader = project.reader()
    tips = (
        find_tips(reader.repository, refs, everything=everything)
        if refs or everything
        else default_tips(reader.repository)
    )
    return rank_runs(reader, tips, **options)  # type: ignore[arg-type]


def test_the_current_branch_is_ranked_by_the_plan(flights: Project) -> None:
    found = board(flights)
    assert found.board.primary == "roc_auc"
    assert found.board.goal == "maximize"
    assert [(r.rank, r.run.subject, r.model, r.run.branch) for r in found.rows] == [
        (1, "Try a forest", "forest", "forest"),
        (2, "Start with a logistic regression", "logistic", "main"),
    ]
    assert found.rows[0].seconds == 70.25
    assert found.rows[0].interval == pytest.approx((0.643, 0.663))
    assert found.rows[0].run.author == "Ada Lovelace"
    assert [row.integrity.status for row in found.rows if row.integrity] == ["ok", "ok"]


def test_every_branch_is_ranked_with_all(flights: Project) -> None:
    found = board(flights, everything=True)
    assert [row.run.subject for row in found.rows] == [
        "Try a forest",
        "Go deeper",
        "Start with a logistic regression",
    ]
    assert [row.run.branch for row in found.rows] == ["forest", "main", "main"]
    assert [row.run.subject for row in board(flights, "ma*").rows] == [
        "Go deeper",
        "Start with a logistic regression",
    ]


def test_runs_within_noise_of_the_leader_share_its_rank(flights: Project) -> None:
    found = board(flights, "main")
    assert [row.rank for row in found.rows] == [1, 1]
    assert any("noise" in note for note in found.notes)
    assert "1=" in render_leaderboard(found, "table")


def test_less_can_be_better(flights: Project) -> None:
    ranked = board(flights, everything=True, metric="log_loss")
    assert [row.value for row in ranked.rows] == sorted(row.value for row in ranked.rows)
    assert ranked.board.goal == "minimize"
    turned = board(flights, everything=True, metric="log_loss:maximize")
    assert [row.value for row in turned.rows] == sorted(
        (row.value for row in turned.rows), reverse=True
    )


def test_uncommitted_results_are_listed(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 40")
    flights.dvc("repro", "--quiet")
    first = board(flights).rows[0]
    assert (first.run.id, first.model, first.rank) == ("workspace", "forest", 1)
    flights.commit("Deeper forest")
    assert "workspace" not in [row.run.id for row in board(flights).rows]


def test_commits_that_change_no_result_are_no_runs(flights: Project) -> None:
    flights.write("README.md", "A remark.\n")
    flights.commit("Document")
    flights.write("metrics/profile.json", {"clean": {"seconds": 9.0}})
    flights.commit("Time it again")
    assert len(board(flights).rows) == 2


def test_the_same_inputs_reached_twice_are_one_run(flights: Project) -> None:
    first = flights.git("rev-parse", "main~1")
    flights.git("switch", "--quiet", "main")
    for path in ("params.yaml", "dvc.lock", "metrics/evaluate.json"):
        flights.git("checkout", "--quiet", "main~1", "--", path)
    back = flights.commit("Go back")
    found = board(flights)
    assert [row.run.subject for row in found.rows] == [
        "Go deeper",
        "Start with a logistic regression",
    ]
    assert found.rows[1].run.id == first
    assert found.rows[1].run.also == (back,)


def test_params_committed_without_a_run_are_stale_and_not_ranked(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 99")
    flights.commit("Forget to run")
    found = board(flights)
    assert "Forget to run" not in [row.run.subject for row in found.rows]
    (row,) = found.unranked
    assert row.rank is None
    assert row.integrity is not None
    assert row.integrity.status == "stale"
    assert "depth" in row.reasons[0]
    assert "Forget to run" in render_leaderboard(found, "table")


def test_metrics_edited_by_hand_never_rank(flights: Project) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.99})
    flights.commit("Cheat")
    found = board(flights)
    assert found.rows[0].run.subject == "Try a forest"
    (row,) = found.unranked
    assert (row.run.subject, row.value) == ("Cheat", 0.99)
    assert row.integrity is not None
    assert row.integrity.status == "edited"


def test_a_malformed_metrics_file_is_one_row(flights: Project) -> None:
    flights.write("metrics/evaluate.json", '{"roc_auc": ')
    flights.commit("Break it")
    found = board(flights)
    assert len(found.rows) == 2
    (row,) = found.unranked
    assert "metrics/evaluate.json" in row.reasons[0]


@pytest.mark.parametrize("value", ["NaN", "null", '"high"', "true", "Infinity"])
def test_a_value_that_is_no_number_is_not_ranked(flights: Project, value: str) -> None:
    flights.write("metrics/evaluate.json", f'{{"roc_auc": {value}}}')
    flights.commit("Diverge")
    found = board(flights)
    assert len(found.rows) == 2
    assert found.unranked[0].reasons[0].startswith("roc_auc is ")
    json.loads(render_leaderboard(found, "json"), parse_constant=pytest.fail)


def test_zero_is_a_score(new_project) -> None:  # type: ignore[no-untyped-def]
    project = new_project()
    project.write("params.yaml", PARAMS)
    project.write("dvc.yaml", "metrics: [evaluate.json]\n")
    for auc in (0.0, -0.5):
        project.write("evaluate.json", {"roc_auc": auc})
        project.commit(f"{auc}")
    assert [row.value for row in board(project).rows] == [0.0, -0.5]


def test_top_keeps_the_best(flights: Project) -> None:
    found = board(flights, everything=True, top=1)
    assert [row.run.subject for row in found.rows] == ["Try a forest"]
    assert found.ranked == 3
    assert "the best 1 shown" in render_leaderboard(found, "table")


def test_formats(flights: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    found = board(flights)
    as_json = json.loads(render_leaderboard(found, "json"))
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    assert as_json["rows"][0]["value"] == metrics["roc_auc"]
    assert as_json["rows"][0]["commit"] == flights.git("rev-parse", "HEAD")
    rows = list(csv.DictReader(render_leaderboard(found, "csv").splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert float(rows[0]["roc_auc"]) == metrics["roc_auc"]
    assert "| rank |" in render_leaderboard(found, "markdown").replace("--:", "")
    table = render_leaderboard(found, "table")
    assert "Try a forest" in table
    assert "1 min 10 s" in table


def test_an_unknown_metric_names_the_nearest(flights: Project) -> None:
    with pytest.raises(HistoryError, match="did you mean 'roc_auc'"):
        board(flights, metric="roc_auk:maximize")


def test_a_pattern_that_matches_nothing(flights: Project) -> None:
    with pytest.raises(HistoryError, match="no branch or tag matches"):
        board(flights, "nothing/*")
