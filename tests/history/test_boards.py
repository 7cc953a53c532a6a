"""Declared boards, conditions, and single runs, on a repository made with Git and DVC."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime

import pytest

from fivefold.errors import HistoryError
from fivefold.history.leaderboard.declaration import read_declaration
from fivefold.history.leaderboard.details import compare_runs, describe, place_of
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import render_leaderboard
from fivefold.history.leaderboard.render_details import render_comparison, render_details
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.runs import default_tips, find_tips

from .conftest import START, Project, profile


def board(project: Project, name: str | None = None, **options: object) -> Leaderboard:
    reader = project.reader()
    repository = reader.repository
    declaration = read_declaration(reader, repository.snapshot(repository.workspace()), name)
    if declaration.refs:
        tips = find_tips(repository, declaration.refs, everything=False)
    else:
        tips = find_tips(repository, (), everything=True)
    return rank_runs(reader, tips, declaration=declaration, **options)  # type: ignore[arg-type]


def declare(project: Project, text: str, name: str = "mine") -> None:
    project.write(f"conf/leaderboard/{name}.yaml", text)


def listed(found: Leaderboard) -> list[str]:
    return [row.run.subject for row in found.rows]


def test_a_declared_board_decides(flights: Project) -> None:
    declare(flights, "{metric: log_loss, metrics: [roc_auc], refs: [main]}")
    found = board(flights)
    assert (found.board.primary, found.board.goal) == ("log_loss", "minimize")
    assert listed(found) == ["Go deeper", "Start with a logistic regression"]
    assert set(found.rows[0].metrics) == {"roc_auc"}
    assert board(flights, "plan").board.primary == "roc_auc"


def test_several_boards_need_a_name_or_a_default(flights: Project) -> None:
    declare(flights, "metric: log_loss", "a")
    declare(flights, "metric: mean\ngoal: minimize", "b")
    assert board(flights).board.declaration.name == "plan"
    assert board(flights, "b").board.primary == "mean"
    declare(flights, "metric: rows\ngoal: maximize", "default")
    assert board(flights).board.primary == "rows"
    with pytest.raises(HistoryError, match="did you mean 'default'"):
        board(flights, "defalt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "a board is a mapping"),
        ("metrik: roc_auc", "did you mean 'metric'"),
        ("goal: up", "maximize, minimize"),
        ("metric: 3", "metric is a text"),
        ("metrics: roc_auc", "metrics is a list"),
        ("qualify: {roc_auc: 0.5}", "METRIC: {min: NUMBER"),
        ("qualify: {roc_auc: {low: 0.5}}", "METRIC: {min: NUMBER"),
        ("qualify: {roc_auc: {min: high}}", "METRIC: {min: NUMBER"),
        ("candidates: [train.model]", "by, aggregate"),
        ("candidates: {by: [train.model], aggregate: median}", "last, best, mean, min, max"),
        ("metric: [", "can't be read"),
    ],
)
def test_a_wrong_board_is_told(flights: Project, text: str, message: str) -> None:
    declare(flights, text)
    with pytest.raises(HistoryError) as caught:
        board(flights)
    assert message in str(caught.value)
    assert "conf/leaderboard/mine.yaml" in str(caught.value.where)


def test_who_does_not_qualify_stands_below_the_line(flights: Project) -> None:
    declare(flights, "qualify: {log_loss: {max: 0.376}, recall: {min: 0}}")
    found = board(flights)
    assert found.rows == ()
    reasons = {row.run.subject: row.reasons for row in found.unranked}
    assert reasons["Go deeper"] == ("recall is missing",)
    assert reasons["Start with a logistic regression"] == (
        "log_loss 0.377 is above 0.376",
        "recall is missing",
    )


def test_candidates_gather_their_runs(flights: Project) -> None:
    declare(flights, "candidates: {by: [train.model], aggregate: mean}")
    found = board(flights)
    assert [row.candidate.by for row in found.rows if row.candidate] == [
        {"train.model": "forest"},
        {"train.model": "logistic"},
    ]
    logistic = found.rows[1]
    assert logistic.candidate is not None
    assert logistic.candidate.runs == 2
    assert logistic.value == pytest.approx((0.623 + 0.625) / 2)
    assert (logistic.candidate.low, logistic.candidate.high) == pytest.approx((0.623, 0.625))
    ends = [row.interval for row in board(flights, "plan").rows[1:]]
    assert logistic.interval == pytest.approx(tuple(map(statistics.fmean, zip(*ends, strict=True))))
    assert "2 candidates" in render_leaderboard(found, "table")


@pytest.mark.parametrize(("aggregate", "value"), [("last", 0.625), ("best", 0.625), ("min", 0.623)])
def test_aggregates(flights: Project, aggregate: str, value: float) -> None:
    declare(flights, f"candidates: {{by: [branch, train.model], aggregate: {aggregate}}}")
    assert board(flights).rows[1].value == pytest.approx(value)


def test_runs_judged_on_other_data_rank_apart(flights: Project) -> None:
    # No input of the evaluation is called a test part: that all rank together has to be said.
    assert any("fivefold.yaml: data: [PATH]" in note for note in board(flights).notes)
    declare(flights, "data: [data/clean.csv]")
    flights.edit("params.yaml", "rows: 100", "rows: 200")
    flights.dvc("repro", "--quiet")
    flights.commit("More rows")
    found = board(flights)
    assert listed(found) == ["More rows"]
    ((version, rows),) = found.elsewhere.items()
    assert version.startswith("data/clean.csv ")
    assert [(row.rank, row.run.subject) for row in rows] == [
        (1, "Try a forest"),
        (2, "Go deeper"),
        (3, "Start with a logistic regression"),
    ]
    assert "Judged on other data" in render_leaderboard(found, "table")


def test_a_run_judged_on_some_sets_only_can_not_rank(flights: Project) -> None:
    flights.edit("dvc.yaml", "- metrics/profile.json", "- metrics/profile.json\n  - spring.json")
    declare(flights, "evaluations: [metrics/evaluate.json, spring.json]")
    flights.write("spring.json", {"roc_auc": 0.853})
    flights.commit("Judge it in spring too")
    found = board(flights)
    assert [(row.run.subject, row.value) for row in found.rows] == [
        ("Judge it in spring too", pytest.approx((0.653 + 0.853) / 2))
    ]
    assert "judged on 1 of 2 evaluation sets" in found.unranked[0].reasons[0]


def test_equal_runs_stand_the_cheaper_first_then_the_older(flights: Project) -> None:
    flights.git("switch", "--quiet", "main")
    for seconds, name in ((9.0, "Dear"), (0.5, "Cheap")):
        flights.write("evaluate.py", (flights.path / "evaluate.py").read_text() + f"# {name}\n")
        flights.dvc("repro", "--quiet")
        flights.write("metrics/profile.json", profile(seconds))
        flights.edit("params.yaml", "acceptable: 0.61", f"acceptable: 0.6{seconds:.0f}")
        flights.commit(name)
        flights.edit("params.yaml", f"acceptable: 0.6{seconds:.0f}", "acceptable: 0.61")
    names = [row.run.subject for row in board(flights).rows if row.value == 0.625]
    assert names.index("Cheap") < names.index("Go deeper") < names.index("Dear")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('train.model == "forest"', ["Try a forest"]),
        ("train.depth > 3", ["Go deeper"]),
        ("roc_auc > 0.624 and train.model != 'forest'", ["Go deeper"]),
        ("train.model in ['forest', 'tree'] or train.depth == 5", ["Try a forest", "Go deeper"]),
        ("not train.depth >= 5 and branch == 'main'", ["Start with a logistic regression"]),
        ("0.62 < roc_auc < 0.624", ["Start with a logistic regression"]),
        ("model == 'forest' and -1 < train.depth", ["Try a forest"]),
        ("`train.depth` == 5", ["Go deeper"]),
        ("train.model == 'forest' and subject != '`'", ["Try a forest"]),
        # What a run doesn't have is equal to nothing, and only null tells that it is absent.
        ("train.rate == null and train.depth == 5", ["Go deeper"]),
        ("train.rate != 'x' or train.depth == 5", ["Go deeper"]),
        ("train.rate not in [1] or train.depth == 5", ["Go deeper"]),
        ("train.model != null and train.depth == 5", ["Go deeper"]),
        ("-train.model < 1 or train.depth == 5", ["Go deeper"]),
        ("not (true == false) and train.depth == 5", ["Go deeper"]),
    ],
)
def test_conditions(flights: Project, where: str, expected: list[str]) -> None:
    assert listed(board(flights, where=where)) == expected


def test_a_condition_on_what_no_run_has(flights: Project) -> None:
    for where in ("train.rate > 0", "train.model < 3"):
        with pytest.raises(HistoryError, match="no run meets"):
            board(flights, where=where)


@pytest.mark.parametrize(
    "where",
    [
        *("", "train.model =", "__import__('os')", "a.b()", "a + b", "[x for x in y]", "a is b"),
        *("a[0]", "a if b else c", "lambda: a", "f'{a}'", "`a", "(" * 1000, "~a", "(b := a)", "*a"),
    ],
)
def test_what_is_no_condition(flights: Project, where: str) -> None:
    with pytest.raises(HistoryError, match="can't be read"):
        board(flights, where=where or " ")


def test_since_leaves_out_older_runs(flights: Project) -> None:
    since = datetime.fromtimestamp(START + 3600 * 2, UTC)
    assert listed(board(flights, since=since)) == ["Try a forest", "Go deeper"]


def test_columns_show_params(flights: Project) -> None:
    found = board(flights, columns=("train.depth", "nothing"))
    assert [row.columns for row in found.rows] == [
        {"train.depth": 3},
        {"train.depth": 5},
        {"train.depth": 3},
    ]
    assert "train.depth" in render_leaderboard(found, "csv").splitlines()[0].split(",")


def test_one_run_in_detail(flights: Project) -> None:
    reader = flights.reader()
    details = describe(reader, reader.repository.resolve("main"))
    ranked = board(flights, top=None)
    row = place_of(ranked, details.run)
    assert row is not None
    assert row.rank == 2
    text = render_details(details, ranked, row, "table")
    assert "Rank 2 of 3 by roc_auc" in text
    assert "Go deeper" in text
    found = json.loads(render_details(details, ranked, row, "json"))
    assert found["metrics"]["roc_auc"]["baseline"] == 0.5
    assert found["params"]["train.depth"] == 5
    assert "code.clean" not in found["params"]
    assert found["code"] == {"clean": "aaaa", "evaluate": "bbbb"}
    assert found["data"]["data/clean.csv"]["size"] == 480
    assert found["integrity"]["status"] == "ok"


def test_why_a_run_is_not_ranked(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 99")
    flights.commit("Forget to run")
    reader = flights.reader()
    details = describe(reader, reader.repository.resolve("HEAD"))
    ranked = board(flights, top=None)
    text = render_details(details, ranked, place_of(ranked, details.run), "markdown")
    assert "Not ranked: stage evaluate ran with train.depth=3, params.yaml says 99" in text.replace(
        "\\", ""
    )


def test_a_revision_without_metrics_is_no_run(flights: Project) -> None:
    flights.git("switch", "--quiet", "--orphan", "other")
    flights.write("README.md", "apart")
    flights.commit("apart")
    reader = flights.reader()
    with pytest.raises(HistoryError, match="no run"):
        describe(reader, reader.repository.resolve("HEAD"))
    assert default_tips(reader.repository)[-1].name == "other"


def test_runs_side_by_side_what_differs_first(flights: Project) -> None:
    reader = flights.reader()
    runs = [describe(reader, reader.repository.resolve(name)) for name in ("main", "forest")]
    rows = compare_runs(runs)
    differing = [row.name for row in rows if row.differs]
    assert differing == [
        "roc_auc",
        "log_loss",
        "train.model",
        "train.depth",
        "evaluate seconds",
    ]
    assert all(row.differs for row in rows[: len(differing)])
    text = render_comparison(runs, rows, "table")
    assert "clean.rows" not in text
    assert "clean.rows" in render_comparison(runs, rows, "table", everything=True)
    found = json.loads(render_comparison(runs, rows, "json"))
    assert {"section": "param", "name": "train.depth", "values": [5, 3], "differs": True} in found[
        "rows"
    ]
