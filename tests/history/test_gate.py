"""``fivefold gate`` on repositories made with Git and DVC: what fails, and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from fivefold.errors import HistoryError
from fivefold.history.diff.changes import Diff, Gate
from fivefold.history.diff.commands import diff, gate
from fivefold.history.diff.compare import compare
from fivefold.history.diff.gate import parse_tolerances

from .conftest import Project

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command()(diff)
app.command()(gate)

Call = Callable[..., Result]


@pytest.fixture
def call(flights: Project, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(flights.path)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def judged(project: Project, base: str, head: str | None = None, *tolerances: str) -> Diff:
    reader = project.reader()
    repository = reader.repository
    return compare(
        reader,
        repository.resolve(base),
        repository.resolve(head) if head else repository.workspace(),
        tolerances=parse_tolerances(tolerances),
    )


def gates(found: Diff) -> dict[str, Gate]:
    return {gate.name: gate for gate in found.gates}


def repro(project: Project, message: str = "") -> None:
    project.dvc("repro", "--quiet")
    if message:
        project.commit(message)


def tree(project: Project) -> None:
    """A model that is worse than main's by more than the intervals allow for."""
    project.edit("params.yaml", "model: forest", "model: tree")
    repro(project)


# A better model, and a worse one


def test_a_better_model_passes(call: Call) -> None:
    result = call("gate", "main")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Better: roc_auc")
    assert json.loads(call("gate", "main", "--format", "json").output)["passed"] is True


def test_a_worse_model_fails_beyond_noise(flights: Project, call: Call) -> None:
    tree(flights)
    result = call("gate", "forest")
    assert result.exit_code == 1
    assert "roc_auc is worse beyond noise" in result.output
    # The same verdict as diff's.
    shown = call("diff", "forest")
    assert shown.exit_code == 0
    assert shown.output.splitlines()[0] == result.output.splitlines()[0]


def test_a_fall_within_noise_passes(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 0")
    repro(flights)
    found = judged(flights, "HEAD")
    held = gates(found)["regression.roc_auc"]
    assert held.value < held.limit
    assert (held.state, held.note) == ("passed", "within noise")
    assert found.passed


@pytest.mark.parametrize(
    ("tolerance", "passes"), [("0.05", True), ("roc_auc=0.06", True), ("0.04", False)]
)
def test_a_tolerance_is_an_amount_of_the_metric(
    flights: Project, call: Call, tolerance: str, passes: bool
) -> None:
    # Forest to tree costs exactly 0.05.
    tree(flights)
    held = gates(judged(flights, "HEAD", None, tolerance))["regression.roc_auc"]
    assert held.passed is passes
    shown = call("gate", "HEAD", "--tolerance", tolerance).output
    assert ("worse beyond noise" in shown) is not passes


def test_a_tolerance_holds_another_metric_too(flights: Project) -> None:
    flights.edit("params.yaml", "rows: 100", "rows: 90")
    repro(flights)
    named = gates(judged(flights, "HEAD", None, "log_loss=0.5"))
    assert named["regression.log_loss"].relation == "<="
    assert "regression.log_loss" not in gates(judged(flights, "HEAD"))


@pytest.mark.parametrize("text", ["-1", "much", "nan", "roc_auc=", "inf"])
def test_a_tolerance_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(HistoryError, match="no amount"):
        parse_tolerances([text])


def test_a_tolerance_of_an_unknown_metric_names_the_nearest(flights: Project) -> None:
    with pytest.raises(HistoryError, match="did you mean 'roc_auc'"):
        judged(flights, "HEAD", None, "rocauc=0.1")


def test_a_primary_metric_that_is_gone_fails(flights: Project) -> None:
    flights.edit("evaluate.py", '"roc_auc": auc,', "")
    repro(flights)
    held = gates(judged(flights, "HEAD"))["regression.roc_auc"]
    assert (held.value, held.state) == (None, "failed")


def test_a_metric_whose_direction_nothing_tells_is_not_a_pass(flights: Project) -> None:
    flights.edit("params.yaml", "rows: 100", "rows: 90")
    repro(flights)
    reader = flights.reader()
    repository = reader.repository
    found = compare(reader, repository.resolve("HEAD"), repository.workspace(), metric="mean")
    held = gates(found)["regression.mean"]
    assert held.state == "failed"
    assert "mean:maximize" in held.note


# The results are those of the lock


def test_results_edited_by_hand_fail(flights: Project, call: Call) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.99})
    held = gates(judged(flights, "HEAD"))["integrity"]
    assert held.state == "failed"
    assert held.value.startswith("edited")
    result = call("gate", "HEAD")
    assert result.exit_code == 1
    assert "metrics/evaluate.json is not what stage evaluate wrote" in result.output


def test_params_changed_without_a_run_fail(flights: Project) -> None:
    flights.edit("params.yaml", "depth: 3", "depth: 9")
    assert gates(judged(flights, "HEAD"))["integrity"].value.startswith("stale")


def test_a_commit_against_itself_is_judged_too(flights: Project, call: Call) -> None:
    assert call("gate", "main", "main").exit_code == 0
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    flights.commit("Ask for more")
    result = call("gate", "HEAD", "HEAD")
    assert result.exit_code == 1
    assert "log_loss" in result.output


# The budget


def budget(project: Project, text: str) -> None:
    project.edit("params.yaml", "  name: demo\n", f"  name: demo\n  budget: {text}\n")


def test_the_budget_is_held_against_the_records(flights: Project) -> None:
    budget(flights, "{compute_hours: 0.01, person_days: 3, cost: 5, currency: EUR}")
    found = gates(judged(flights, "HEAD"))
    spent = found["budget.compute_hours"]
    assert spent.value == pytest.approx((0.25 + 70) / 3600)
    assert spent.state == "failed"
    # Nothing records work or money: that is said, and fails nothing.
    assert found["budget.person_days"].state == found["budget.cost"].state == "not recorded"


def test_a_budget_that_the_base_recorded_is_missed(flights: Project) -> None:
    budget(flights, "{compute_hours: 1}")
    profile = json.loads((flights.path / "metrics/profile.json").read_text())
    del profile["evaluate"]
    flights.write("metrics/profile.json", profile)
    held = gates(judged(flights, "HEAD"))["budget.compute_hours"]
    assert (held.state, held.value) == ("failed", None)
    assert "evaluate" in held.note


def test_money_is_summed_where_stages_record_it(flights: Project) -> None:
    budget(flights, "{cost: 5}")
    profile = json.loads((flights.path / "metrics/profile.json").read_text())
    for row in profile.values():
        row["cost"] = 3.0
    flights.write("metrics/profile.json", profile)
    held = gates(judged(flights, "HEAD"))["budget.cost"]
    assert (held.value, held.state) == (6.0, "failed")


@pytest.mark.parametrize(
    ("deadline", "state"),
    [("2023-11-14", "failed"), ("2023-11-15", "passed"), ("2099-1", "failed")],
)
def test_the_deadline_is_held_against_the_commit_s_date(
    flights: Project, deadline: str, state: str
) -> None:
    # The commits of the fixture are of 2023-11-15, in their own time zone.
    budget(flights, f"{{deadline: '{deadline}'}}")
    flights.commit("Set a deadline")
    held = gates(judged(flights, "main", "HEAD"))["budget.deadline"]
    assert (held.value, held.state) == ("2023-11-15", state)


# A plan that asks for less


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("acceptable: 0.61", "acceptable: 0.6", "threshold.acceptable"),
        ("{acceptable: 0.61, excellent: 0.9}", "{excellent: 0.9}", "threshold.acceptable"),
        ("excellent: 0.9", "excellent: 0.8", "threshold.excellent"),
        ("max: 0.5", "max: 0.6", "guardrail.log_loss.max"),
        ("guardrails: {log_loss: {max: 0.5}}", "guardrails: {}", "guardrail.log_loss.max"),
        ("primary_metric: roc_auc", "primary_metric: log_loss", "primary_metric"),
        ("primary_metric: roc_auc", "secondary: roc_auc", "plan"),
    ],
)
def test_a_plan_that_asks_for_less_fails(flights: Project, old: str, new: str, name: str) -> None:
    flights.edit("params.yaml", old, new)
    found = judged(flights, "HEAD")
    assert [g.name for g in found.gates if g.kind == "weakened"] == [f"weakened.{name}"]
    assert not found.passed
    assert "the plan is weakened" in found.verdict


@pytest.mark.parametrize(
    ("old", "new"),
    [("acceptable: 0.61", "acceptable: 0.65"), ("max: 0.5", "max: 0.4"), ("rows: 100", "rows: 99")],
)
def test_a_plan_that_asks_for_more_does_not(flights: Project, old: str, new: str) -> None:
    flights.edit("params.yaml", old, new)
    assert not [g for g in judged(flights, "HEAD").gates if g.kind == "weakened"]


def test_a_budget_that_grows_is_weaker_too(flights: Project) -> None:
    budget(flights, "{compute_hours: 1, deadline: '2030-01-01'}")
    repro(flights, "Set a budget")
    flights.edit(
        "params.yaml", "compute_hours: 1, deadline: '2030", "compute_hours: 2, deadline: '2031"
    )
    found = judged(flights, "HEAD")
    names = {g.name for g in found.gates if g.kind == "weakened"}
    assert names == {"weakened.budget.compute_hours", "weakened.budget.deadline"}


def test_a_direction_that_is_turned_round_is_weaker(flights: Project) -> None:
    """Without it, whatever falls would be better."""
    flights.edit("params.yaml", "primary_metric: roc_auc", "secondary: roc_auc")
    flights.write("fivefold.yaml", "metric: mean\ngoals: {mean: maximize}\n")
    flights.commit("Decide by the mean")
    flights.edit("params.yaml", "rows: 100", "rows: 90")
    repro(flights)
    assert gates(judged(flights, "HEAD"))["regression.mean"].state == "failed"
    flights.edit("fivefold.yaml", "maximize", "minimize")
    found = gates(judged(flights, "HEAD"))
    assert found["regression.mean"].state == "passed"
    turned = found["weakened.goal"]
    assert (turned.limit, turned.value, turned.state) == ("maximize", "minimize", "failed")


# Exceptions


def test_an_exception_is_recorded_and_shown_everywhere(
    flights: Project, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("name", "email"):
        monkeypatch.delenv(f"GIT_AUTHOR_{key.upper()}", raising=False)
    flights.git("config", "user.name", "Ada")
    flights.git("config", "user.email", "ada@example.org")
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    reason = "the loss is of no matter | @team <img> here"
    result = call("gate", "HEAD", "--allow", f"guardrail.log_loss.max={reason}")
    assert result.exit_code == 0, result.output
    (entry,) = yaml.safe_load((flights.path / "exceptions.yaml").read_text())
    auc = json.loads((flights.path / "metrics/evaluate.json").read_text())["roc_auc"]
    assert entry == {
        "gate": "guardrail.log_loss.max",
        "metric": "log_loss",
        "limit": 0.1,
        "value": 1 - auc,
        "reason": reason,
        "by": "Ada <ada@example.org>",
    }
    for form in ("terminal", "json"):
        assert reason in call("diff", "HEAD", "--format", form).output
    markdown = call("diff", "HEAD", "--format", "markdown").output
    assert "is allowed: the loss is of no matter" in markdown
    assert "<img" not in markdown.replace("\\<img", "")
    assert "@team" not in markdown
    html = call("diff", "HEAD", "--format", "html").output
    assert "is allowed: the loss is of no matter" in html
    assert "<img> here" not in html
    flights.git("add", "--all")
    flights.git("commit", "--quiet", "--message", "Allow it", "--author", "Ada <ada@example.org>")
    assert call("gate", "HEAD~1", "HEAD").exit_code == 0


def test_an_exception_covers_no_worse_value(flights: Project, call: Call) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    assert call("gate", "HEAD", "--allow", "guardrail.log_loss.max=known").exit_code == 0
    flights.edit("params.yaml", "depth: 3", "depth: 9")
    repro(flights)
    # A lower loss than was allowed.
    assert gates(judged(flights, "HEAD"))["guardrail.log_loss.max"].state == "allowed"
    flights.edit("params.yaml", "depth: 9", "depth: 1")
    repro(flights)
    held = gates(judged(flights, "HEAD"))["guardrail.log_loss.max"]
    assert held.state == "failed"
    assert "and this is worse" in held.note
    result = call("gate", "HEAD")
    assert result.exit_code == 1
    assert "the recorded exception covers" in result.output


def test_an_exception_holds_for_its_limit_only(flights: Project, call: Call) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.3")
    assert call("gate", "HEAD", "--allow", "guardrail.log_loss.max=known").exit_code == 0
    flights.edit("params.yaml", "max: 0.3", "max: 0.2")
    held = gates(judged(flights, "HEAD"))["guardrail.log_loss.max"]
    assert (held.state, "for the limit 0.3" in held.note) == ("failed", True)
    flights.edit("params.yaml", "max: 0.2", "max: 0.32")
    assert gates(judged(flights, "HEAD"))["guardrail.log_loss.max"].state == "allowed"


def test_an_exception_to_a_regression_is_spent_on_the_base(flights: Project, call: Call) -> None:
    tree(flights)
    allowed = call(
        "gate", "HEAD", "--allow", "regression.roc_auc=r", "--allow", "threshold.acceptable=t"
    )
    assert allowed.exit_code == 0, allowed.output
    flights.commit("A tree, as agreed")
    # The base gets a good model again, and a new proposal falls back to what was once allowed.
    flights.edit("params.yaml", "model: tree", "model: forest")
    repro(flights, "A forest again")
    flights.edit("params.yaml", "model: forest", "model: tree")
    repro(flights)
    found = gates(judged(flights, "HEAD"))
    assert found["regression.roc_auc"].state == "failed"
    assert "on the base already" in found["regression.roc_auc"].note
    # The threshold's covered the very value, but the base has done better since.
    assert found["threshold.acceptable"].state == "failed"


def test_an_exception_on_the_base_covers_what_did_not_get_worse(
    flights: Project, call: Call
) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    assert call("gate", "HEAD", "--allow", "guardrail.log_loss.max=known").exit_code == 0
    flights.commit("Allow the loss")
    flights.write("README.md", "prose")
    flights.commit("Prose")
    assert call("gate", "HEAD~1", "HEAD").exit_code == 0


def test_an_exception_to_edited_results_covers_those_very_results(
    flights: Project, call: Call
) -> None:
    metrics = json.loads((flights.path / "metrics/evaluate.json").read_text())
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.7})
    assert call("gate", "HEAD", "--allow", "integrity=counted by hand").exit_code == 0
    flights.write("metrics/evaluate.json", {**metrics, "roc_auc": 0.8})
    assert gates(judged(flights, "HEAD"))["integrity"].state == "failed"


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        ("gaurdrail.log_loss.max=x", "did you mean 'guardrail.log_loss.max'"),
        ("log_loss.max=x", "did you mean 'guardrail.log_loss.max'"),
        ("guardrail.log_loss.max=  ", "needs a reason"),
        ("guardrail.log_loss.max", "a name and a reason"),
        ("integrity=x", "doesn't fail"),
    ],
)
def test_a_mistaken_exception_writes_nothing(
    flights: Project, call: Call, allow: str, message: str
) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    good = "guardrail.log_loss.max=good"
    result = call("gate", "HEAD", "--allow", good, "--allow", allow)
    assert result.exit_code == 2
    assert message in result.output
    assert not (flights.path / "exceptions.yaml").exists()


def test_an_exception_is_for_the_working_tree(flights: Project, call: Call) -> None:
    result = call("gate", "main", "main", "--allow", "integrity=x")
    assert result.exit_code == 2
    assert "recorded in the working tree" in result.output


def test_who_records_is_asked_of_git(
    flights: Project, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    assert call("gate", "HEAD", "--allow", "guardrail.log_loss.max=x").exit_code == 0
    assert "Ada <ada@example.org>" in (flights.path / "exceptions.yaml").read_text()


def test_an_exception_replaces_its_own_kind_and_leaves_the_rest(
    flights: Project, call: Call
) -> None:
    kept = """\
        # Ours, with a remark.
        - gate: threshold.other   # for later
          metric: roc_auc
          limit: 1
          value: 0.5
          reason: kept
        - gate: guardrail.log_loss.max
          metric: log_loss
          limit: 0.1
          value: 0.0001
          reason: outdated
        """
    flights.write("exceptions.yaml", kept)
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    assert call("gate", "HEAD").exit_code == 1
    assert call("gate", "HEAD", "--allow", "guardrail.log_loss.max=renewed").exit_code == 0
    text = (flights.path / "exceptions.yaml").read_text()
    assert "# Ours, with a remark.\n- gate: threshold.other   # for later" in text
    assert [entry["reason"] for entry in yaml.safe_load(text)] == ["kept", "renewed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- gate: [", "exceptions.yaml"),
        ("all: true", "not a list"),
        ("- gate: guardrail.log_loss.max\n  value: 9", "entry 1 is no exception"),
        ("- gate: guardrail.log_loss.max\n  value: 9\n  reason: ' '", "entry 1 is no exception"),
    ],
)
def test_exceptions_that_cannot_be_read_cover_nothing(
    flights: Project, call: Call, text: str, said: str
) -> None:
    flights.write("exceptions.yaml", text)
    flights.edit("params.yaml", "max: 0.5", "max: 0.1")
    found = judged(flights, "HEAD")
    assert not found.passed
    assert any(said in note for note in found.notes)
    refused = call("gate", "HEAD", "--allow", "guardrail.log_loss.max=x")
    assert refused.exit_code == 2
    assert (flights.path / "exceptions.yaml").read_text() == text


# What can't be judged


def test_what_cannot_be_judged_exits_with_two(flights: Project, call: Call) -> None:
    assert call("gate", "mian").exit_code == 2
    flights.edit("params.yaml", "primary_metric: roc_auc", "secondary: roc_auc")
    flights.commit("No plan any more")
    result = call("gate", "HEAD", "HEAD")
    assert result.exit_code == 2
    assert "no plan names a primary metric" in result.output
    assert call("gate", "HEAD", "HEAD", "--metric", "roc_auc").exit_code == 0


def test_the_report_goes_to_a_file_whole(flights: Project, call: Call) -> None:
    assert call("gate", "main", "--format", "markdown", "--output", "report.md").output == ""
    assert (flights.path / "report.md").read_text().startswith("<!-- section: verdict 0 -->")
    assert call("gate", "main", "--output", "none/report.md").exit_code == 2
    assert not list(flights.path.glob(".*.part"))
