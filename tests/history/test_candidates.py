"""Candidates: what gathers runs, what they were judged on, and the figure that stands for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import pytest

from fivefold.errors import HistoryError
from fivefold.history.leaderboard.candidates import Score, aggregate_scores, mean_interval
from fivefold.history.leaderboard.declaration import read_declaration
from fivefold.history.leaderboard.details import describe, place_of
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.leaderboard.render import render_leaderboard
from fivefold.history.leaderboard.render_details import render_details
from fivefold.history.leaderboard.standings import Leaderboard
from fivefold.history.runs import find_tips

from .conftest import Project


def run(
    project: Project,
    message: str,
    value: float | dict[str, float],
    *,
    half: float | None = None,
    **params: Any,
) -> str:
    """Commit a run: a value, or one per metrics file, with an interval where `half` is given."""
    values = value if isinstance(value, dict) else {"metrics.json": value}
    for file in ("metrics.json", "spring.json", "autumn.json"):
        (project.path / file).unlink(missing_ok=True)
    for file, accuracy in values.items():
        content: dict[str, Any] = {"accuracy": accuracy}
        if half is not None:
            content["interval"] = {"accuracy": {"low": accuracy - half, "high": accuracy + half}}
        project.write(file, content)
    if params:
        project.write("params.yaml", params)
    return project.commit(message)


@pytest.fixture
def plain(new_project: Callable[..., Project]) -> Project:
    project = new_project(dvc=False)
    project.write("dvc.yaml", "metrics: [metrics.json, spring.json, autumn.json]\n")
    return project


def board(project: Project, declared: str, **options: Any) -> Leaderboard:
    project.write("conf/leaderboard/mine.yaml", declared)
    reader = project.reader()
    repository = reader.repository
    declaration = read_declaration(reader, repository.snapshot(repository.workspace()), None)
    tips = find_tips(repository, (), everything=True)
    return rank_runs(reader, tips, declaration=declaration, **options)


def shown(found: Leaderboard) -> list[tuple[Any, Any, Any]]:
    """Rank, what makes the candidate, value."""
    return [
        (row.rank, tuple(row.candidate.by.values()), pytest.approx(row.value))
        for row in found.rows
        if row.candidate
    ]


SCORES = [Score(2, 0.6, (0.5, 0.7)), Score(0, 0.7, (0.6, 0.8)), Score(1, 0.8, (0.7, 0.9))]


@pytest.mark.parametrize(
    ("aggregate", "goal", "expected"),
    [
        ("last", "maximize", SCORES[1]),
        ("best", "maximize", SCORES[2]),
        ("best", "minimize", SCORES[0]),
        ("min", "maximize", SCORES[0]),
        ("max", "minimize", SCORES[2]),
    ],
)
def test_an_aggregate_is_a_runs(aggregate: str, goal: Any, expected: Score) -> None:
    assert aggregate_scores(SCORES, aggregate, goal) == expected


def test_a_mean_has_the_mean_interval() -> None:
    found = aggregate_scores(SCORES, "mean", "maximize")
    assert (found.age, found.value, found.interval) == (
        0,
        pytest.approx(0.7),
        pytest.approx((0.6, 0.8)),
    )
    assert mean_interval([(0.1, 0.2), None]) is None
    assert mean_interval([]) is None


def test_of_equal_runs_the_oldest_stands() -> None:
    equal = [Score(0, 0.5), Score(2, 0.5), Score(1, 0.5)]
    for goal in ("maximize", "minimize"):
        assert aggregate_scores(equal, "best", goal).age == 2  # type: ignore[arg-type]


def test_last_is_the_last_of_the_history_even_in_one_second(plain: Project) -> None:
    # Commits of a script come within a second; what follows from what is the order that counts.
    for value in (0.9, 0.5, 0.7):
        plain.commits = 0
        run(plain, f"{value}", value, model="a", seed=value)
    found = board(plain, "candidates: {by: [model], aggregate: last}")
    assert shown(found) == [(1, ("a",), 0.7)]
    candidate = found.rows[0].candidate
    assert candidate is not None
    assert (candidate.low, candidate.high, candidate.runs) == (0.5, 0.9, 3)
    assert candidate.deviation == pytest.approx(0.2)


def test_by_every_hyperparameter_that_differs(plain: Project) -> None:
    for model, depth, day, value in (
        ("tree", 3, 1, 0.5),
        ("tree", 5, 1, 0.6),
        ("forest", 3, 2, 0.7),
        ("tree", 3, 2, 0.8),
    ):
        plain.write("data.txt", f"{day}")
        run(plain, "run", value, train={"model": model, "depth": depth, "fixed": 1}, seed=7)
    # A run again with the same params on other data: one candidate, and what is fixed isn't shown.
    found = board(plain, "candidates: {by: [params], aggregate: mean}")
    assert [
        (dict(row.candidate.by), row.candidate.runs) for row in found.rows if row.candidate
    ] == [
        ({"train.model": "forest", "train.depth": 3}, 1),
        ({"train.model": "tree", "train.depth": 3}, 2),
        ({"train.model": "tree", "train.depth": 5}, 1),
    ]
    assert shown(board(plain, "candidates: {by: [train], aggregate: mean}")) == shown(found)
    assert len(board(plain, "candidates: {by: [train.model]}").rows) == 2


def test_by_what_no_run_has_all_are_one(plain: Project) -> None:
    run(plain, "a", 0.5, model="a")
    run(plain, "b", 0.6, model="b")
    assert shown(board(plain, "candidates: {by: [nothing]}")) == [(1, (None,), 0.6)]


def test_by_tag(plain: Project) -> None:
    run(plain, "a", 0.5, model="a")
    plain.git("tag", "try/forest/1")
    run(plain, "b", 0.7, model="b")
    plain.git("tag", "--annotate", "--message", "second", "try/forest/2")
    plain.git("tag", "try/linear/1")
    run(plain, "c", 0.9, model="c")
    plain.git("tag", "v1")
    found = board(plain, "candidates: {by: ['tag:try/*/*'], aggregate: mean}")
    # A run with two tags belongs to two candidates, one without any to none.
    assert shown(found) == [(1, ("linear",), 0.7), (2, ("forest",), 0.6)]
    assert "1 run has no tag to be a candidate by" in found.notes
    assert {tags for _, (tags,), _ in shown(board(plain, "candidates: {by: [tag]}"))} == {
        "try/forest/1",
        "try/forest/2",
        "try/linear/1",
        "v1",
    }
    assert [row.run.subject for row in board(plain, "where: tag == 'v1'").rows] == ["c"]


def test_by_branch_and_author(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run(plain, "a", 0.5, model="a")
    plain.git("switch", "--quiet", "--create", "side")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace Hopper")
    run(plain, "b", 0.7, model="b")
    assert shown(board(plain, "candidates: {by: [branch, author]}")) == [
        (1, ("side", "Grace Hopper"), 0.7),
        (2, ("main", "Ada Lovelace"), 0.5),
    ]


# Several evaluation sets, as metrics files.

SETS = """
    evaluations: [spring.json, autumn.json]
    candidates: {by: [model], aggregate: mean}
"""


def test_a_candidate_is_judged_on_all_sets_by_runs_of_their_own(plain: Project) -> None:
    run(plain, "a spring", {"spring.json": 0.8}, half=0.1, model="a")
    run(plain, "a autumn", {"autumn.json": 0.6}, half=0.02, model="a")
    run(plain, "a autumn again", {"autumn.json": 0.64}, half=0.02, model="a", seed=2)
    run(plain, "b both", {"spring.json": 0.6, "autumn.json": 0.6}, half=0.02, model="b")
    run(plain, "c spring", {"spring.json": 0.99}, model="c")
    run(plain, "d neither", 0.5, model="d")
    found = board(plain, SETS)
    # A set counts once, however many runs were judged on it: (0.8 + (0.6 + 0.64) / 2) / 2.
    assert shown(found) == [(1, ("a",), 0.71), (2, ("b",), 0.6)]
    assert found.rows[0].interval == pytest.approx((0.65, 0.77))
    assert found.ranked == 2
    (partial,) = found.unranked
    assert partial.rank is None
    assert partial.candidate is not None
    assert (partial.candidate.covered, partial.candidate.sets) == (1, 2)
    assert partial.reasons == ("judged on 1 of 2 evaluation sets, not on autumn.json",)
    assert found.without == 1
    text = render_leaderboard(found, "table")
    assert "2 of 2" in text
    assert "1 of 2" in text


def test_who_covers_more_stands_before_who_scores_more(plain: Project) -> None:
    plain.write("dvc.yaml", "metrics: [metrics.json, spring.json, autumn.json]\n")
    run(plain, "all but one", {"spring.json": 0.5, "autumn.json": 0.5}, model="broad")
    run(plain, "one", {"spring.json": 0.9}, model="narrow")
    run(plain, "another", {"autumn.json": 0.95}, model="better")
    found = board(plain, SETS.replace("spring.json,", "metrics.json, spring.json,"))
    assert found.rows == ()
    assert [row.candidate.by["model"] for row in found.unranked if row.candidate] == [
        "broad",
        "better",
        "narrow",
    ]


def test_qualification_holds_on_each_set_that_a_run_has(plain: Project) -> None:
    run(plain, "even", {"spring.json": 0.7, "autumn.json": 0.7}, model="even")
    run(plain, "odd", {"spring.json": 0.9, "autumn.json": 0.55}, model="odd")
    found = board(plain, f"qualify: {{accuracy: {{min: 0.6}}}}\n{SETS}".replace("\n    ", "\n"))
    assert shown(found) == [(1, ("even",), 0.7)]
    assert found.unranked[0].reasons == ("autumn.json:accuracy 0.55 is below 0.6",)


def test_without_candidates_a_run_has_to_have_all_sets(plain: Project) -> None:
    run(plain, "both", {"spring.json": 0.6, "autumn.json": 0.8}, half=0.05, model="a")
    run(plain, "one", {"spring.json": 0.99}, model="b")
    found = board(plain, "evaluations: [spring.json, autumn.json]")
    assert [(row.run.subject, row.value) for row in found.rows] == [("both", pytest.approx(0.7))]
    assert found.rows[0].interval == pytest.approx((0.65, 0.75))
    assert found.rows[0].metrics == {"spring.json:accuracy": 0.6, "autumn.json:accuracy": 0.8}


# Several evaluation sets, as versions of the data.

VERSIONS = """
    coverage: {data/test.csv: 2}
    candidates: {by: [model], aggregate: best}
"""


@pytest.fixture
def seasons(plain: Project) -> Project:
    """Three versions of the test part; `steady` was judged on all, `early` and `late` on some."""
    for season, scores in enumerate(
        (
            {"steady": 0.9, "early": 0.99},
            {"steady": 0.6, "early": 0.7},
            {"steady": 0.5, "late": 0.8},
        )
    ):
        plain.write("data/test.csv", f"season,{season}\n")
        for model, value in scores.items():
            run(plain, f"{model} {season}", value, model=model, season=season)
    return plain


def test_a_candidate_ranks_when_it_was_judged_on_the_last_versions(seasons: Project) -> None:
    found = board(seasons, VERSIONS)
    assert shown(found) == [(1, ("steady",), 0.55)]
    reasons = {row.candidate.by["model"]: row.reasons for row in found.unranked if row.candidate}
    assert reasons.keys() == {"late", "early"}
    assert all("judged on 1 of 2 evaluation sets" in reason for (reason,) in reasons.values())
    assert reasons["late"] != reasons["early"]
    # What is older stands apart, under the version it was judged on.
    ((label, rows),) = found.elsewhere.items()
    assert label.startswith("data/test.csv ")
    assert [row.run.subject for row in rows] == ["early 0", "steady 0"]


def test_runs_rank_with_those_judged_on_what_stands_here(seasons: Project) -> None:
    found = board(seasons, "data: [data/test.csv]")
    assert [row.run.subject for row in found.rows] == ["late 2", "steady 2"]
    assert [[row.run.subject for row in rows] for rows in found.elsewhere.values()] == [
        ["early 0", "steady 0"],
        ["early 1", "steady 1"],
    ]
    # Another branch's runs rank by their own data, where nothing was judged on what stands here.
    seasons.write("data/test.csv", "season,9\n")
    found = board(seasons, "data: [data/test.csv]")
    assert [row.run.subject for row in found.rows] == ["late 2", "steady 2"]
    assert any("what stands here" in note for note in found.notes)


def test_a_run_on_unknown_data_ranks_apart(seasons: Project) -> None:
    seasons.git("rm", "--quiet", "data/test.csv")
    run(seasons, "blind", 0.999, model="blind")
    seasons.write("data/test.csv", "season,2\n")
    seasons.commit("bring it back")
    found = board(seasons, "data: [data/test.csv]")
    assert [row.run.subject for row in found.rows] == ["late 2", "steady 2"]
    assert [row.run.subject for row in found.elsewhere["unknown data"]] == ["blind"]


def test_runs_of_another_plan_rank_apart(plain: Project) -> None:
    plan = {"primary_metric": "log_loss"}
    run(plain, "for log loss", 0.9, plan=plan)
    run(plain, "for accuracy", 0.7, plan={"primary_metric": "accuracy"})
    run(plain, "again", 0.8, plan={"primary_metric": "accuracy"}, seed=2)
    found = board(plain, "metric: accuracy")
    assert [row.run.subject for row in found.rows] == ["again", "for accuracy"]
    ((label, (row,)),) = found.elsewhere.items()
    assert (label, row.run.subject, row.rank) == ("planned for log_loss", "for log loss", 1)
    assert "Made under another plan: planned for log_loss" in render_leaderboard(found, "table")


# Order and ranks.


def test_only_the_leaders_rank_is_shared(plain: Project) -> None:
    for value in (0.9, 0.7, 0.7, 0.6):
        run(plain, f"{value} {plain.commits}", value, seed=plain.commits)
    assert [row.rank for row in board(plain, "{}").rows] == [1, 2, 3, 4]
    run(plain, "equal", 0.9, seed=99)
    assert [row.rank for row in board(plain, "{}").rows] == [1, 1, 3, 4, 5]


def test_a_wide_interval_shares_the_leaders_rank_from_any_place(plain: Project) -> None:
    for value, half in ((0.9, 0.01), (0.8, 0.01), (0.7, 0.4), (0.6, 0.01)):
        run(plain, f"{value}", value, half=half, seed=value)
    found = board(plain, "{}")
    assert [(row.rank, row.level) for row in found.rows] == [
        (1, True),
        (2, False),
        (1, True),
        (4, False),
    ]
    rows = list(csv.DictReader(render_leaderboard(found, "csv").splitlines()))
    assert [row["within_noise_of_leader"] for row in rows] == ["True", "False", "True", "False"]


@pytest.mark.parametrize(
    ("ties", "first"),
    [("[older]", "a"), ("[newer]", "c"), ("[loss, older]", "b"), ("['loss:maximize']", "a")],
)
def test_the_tie_rule_is_the_boards(plain: Project, ties: str, first: str) -> None:
    for name, loss in (("a", 0.3), ("b", 0.1), ("c", 0.2)):
        plain.write("spring.json", {"loss": loss})
        plain.write("metrics.json", {"accuracy": 0.5})
        plain.commit(name)
    found = board(plain, f"{{metric: accuracy, ties: {ties}}}")
    assert found.rows[0].run.subject == first


def test_a_tie_rule_that_is_none(plain: Project) -> None:
    run(plain, "a", 0.5)
    with pytest.raises(HistoryError, match="did you mean 'older'"):
        board(plain, "ties: [oldr]")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coverage: {data/test.csv: 2}", "is a candidate"),
        ("coverage: [data/test.csv]", "PATH: NUMBER"),
        ("coverage: {data/test.csv: 0}", "PATH: NUMBER"),
        ("{coverage: {a: 1}, evaluations: [b], candidates: {by: [c]}}", "evaluations or coverage"),
        ("where: a =", "can't be read"),
    ],
)
def test_a_wrong_board_is_told(plain: Project, text: str, message: str) -> None:
    run(plain, "a", 0.5)
    with pytest.raises(HistoryError, match=message) as caught:
        board(plain, text)
    assert "conf/leaderboard/mine.yaml" in str(caught.value)


def test_a_comment_makes_no_run(plain: Project) -> None:
    first = run(plain, "a", 0.5, model="a")
    plain.write("params.yaml", "# the same\nmodel: a\n")
    second = plain.commit("comment")
    run(plain, "b", 0.5, model="b")
    found = board(plain, "{}")
    assert {(row.run.subject, row.run.also) for row in found.rows} == {("a", (second,)), ("b", ())}
    assert found.rows[0].run.id == first
    assert found.ranked == 2


# What is written.


def test_no_cell_is_a_formula_to_a_spreadsheet(plain: Project) -> None:
    run(plain, "=HYPERLINK(1)", -0.5, model="@SUM(1)")
    found = board(plain, "{metric: accuracy, columns: [model]}")
    (row,) = csv.DictReader(render_leaderboard(found, "csv").splitlines())
    assert (row["subject"], row["model"], row["accuracy"]) == ("'=HYPERLINK(1)", "'@SUM(1)", "-0.5")


def test_a_terminal_gets_no_control_characters(plain: Project) -> None:
    run(plain, "red \x1b[31m\u202eevil", 0.5, note="two\nlines")
    text = render_leaderboard(board(plain, "columns: [note]"), "table")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "two lines" in text


def test_json_is_strict_whatever_is_recorded(plain: Project) -> None:
    plain.write("dvc.yaml", "metrics: [metrics.json, metrics/profile.json]\n")
    plain.write("metrics/profile.json", '{"train": {"seconds": NaN}}')
    run(plain, "a", 0.5, rate=float("inf"), huge=10**400)
    found = board(plain, "{metric: accuracy, columns: [rate, huge]}")
    data = json.loads(render_leaderboard(found, "json"), parse_constant=pytest.fail)
    assert data["rows"][0]["columns"]["rate"] == "Infinity"
    assert data["rows"][0]["columns"]["huge"] == 10**400
    reader = plain.reader()
    details = describe(reader, reader.repository.head())
    json.loads(render_details(details, found, None, "json"), parse_constant=pytest.fail)


def test_an_integer_beyond_every_float_does_not_rank(plain: Project) -> None:
    run(plain, "a", 10**400)
    run(plain, "b", 0.5)
    found = board(plain, "{}")
    assert [row.run.subject for row in found.rows] == ["b"]
    assert [row.run.subject for row in found.unranked] == ["a"]


def test_a_candidate_is_shown_with_its_runs(plain: Project) -> None:
    first = run(plain, "a", 0.5, model="a")
    second = run(plain, "b", 0.7, model="a", seed=2)
    found = board(plain, "candidates: {by: [model]}")
    reader = plain.reader()
    details = describe(reader, reader.repository.resolve(first))
    row = place_of(found, details.run)
    assert row is not None
    text = render_details(details, found, row, "table")
    assert "Rank 1 of 1 by accuracy" in text
    assert "Of the candidate model=a: 0.7, from 0.5 to 0.7" in text
    assert f"Its runs: {second[:7]}, {first[:7]}" in text
    data = json.loads(render_details(details, found, row, "json"))
    assert data["candidate"]["members"] == [second, first]


def test_an_unknown_column_is_said(plain: Project) -> None:
    run(plain, "a", 0.5, model="a")
    found = board(plain, "{}", columns=("modell",))
    assert "no run has modell: neither a param nor a metric is called so" in found.notes
