"""The verbs as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner, Result

from fivefold.errors import HistoryError
from fivefold.history.commands import leaderboard_group
from fivefold.history.diff.commands import diff

from .conftest import Project

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command()(diff)
app.add_typer(leaderboard_group, name="leaderboard")


@pytest.fixture
def call(flights: Project, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(flights.path)
    # The runner's streams are no terminal, whatever the tests run in.
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, HistoryError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


def test_diff(call) -> None:  # type: ignore[no-untyped-def]
    assert call("diff").output.startswith("Better: roc_auc 0.623 → 0.653")
    assert json.loads(call("diff", "main", "forest", "--format", "json").output)["params"]
    assert "| metric |" in call("diff", "--format", "markdown").output
    assert "rows" in call("diff", "--everything").output
    with pytest.raises(HistoryError, match="did you mean 'main'"):
        call("diff", "mian")


def test_leaderboard(call) -> None:  # type: ignore[no-untyped-def]
    assert "2 runs ranked by roc_auc" in call("leaderboard").output
    assert "3 runs ranked by roc_auc" in call("leaderboard", "--all").output
    assert "1 run ranked" in call("leaderboard", "--where", "train.model == 'forest'").output
    found = json.loads(call("leaderboard", "--refs", "main", "--format", "json").output)
    assert [row["branch"] for row in found["rows"]] == ["main", "main"]
    assert "train.depth" in call("leaderboard", "--columns", "train.depth, clean.rows").output
    for since in ("2023-11-01", "5000w"):
        assert "2 runs" in call("leaderboard", "--since", since).output
    for since in ("yesterday", "999999w"):
        with pytest.raises(HistoryError, match="no point in time"):
            call("leaderboard", "--since", since)


def test_show_and_compare(call) -> None:  # type: ignore[no-untyped-def]
    # A run of another branch has a place too.
    shown = call("leaderboard", "show", "main").output
    assert "Rank 2 of 3 by roc_auc" in shown
    assert "Ran since its parent: evaluate" in shown
    first = json.loads(call("leaderboard", "show", "main~1", "--format", "json").output)
    assert (first["stages_rerun"], first["branch"]) == (None, "main")
    with pytest.raises(HistoryError, match="two runs or more"):
        call("leaderboard", "compare", "main")
    assert "train.model" in call("leaderboard", "compare", "main", "forest", "workspace").output


TRIALS = """
trial,state,C,solver,log_loss,log_loss_fold_1,cause
0,complete,1.0,lbfgs,0.375,0.374,
1,failed,9.0,saga,,,"fold 1: ValueError: no"
2,complete,0.25,lbfgs,0.345,0.346,
"""


def test_trials_are_rows_under_their_run(call, flights: Project) -> None:  # type: ignore[no-untyped-def]
    flights.git("switch", "--quiet", "main")
    flights.write("reports/trials.csv", TRIALS)
    aims = [{"name": "log_loss", "goal": "minimize"}]
    flights.write("reports/tune.json", {"objectives": aims, "trial": 2})
    flights.commit("Tune", "--amend")
    shown = call("leaderboard", "show", "main", "--trials", "2").output
    lines = shown[shown.index("Trials, the best 2") :].splitlines()
    # The best first; the scores by fold stay in the file.
    assert lines[1].split() == ["trial", "state", "C", "solver", "log_loss"]
    assert [line.split()[0] for line in lines[3:5]] == ["2", "0"]
    assert "Trials" not in call("leaderboard", "show", "main", "--trials", "0").output
    found = json.loads(call("leaderboard", "show", "main", "--format", "json").output)
    assert [row["cause"] for row in found["trials"]] == ["", "fold 1: ValueError: no", ""]
    # A run that tuned nothing has none, and a file that is none doesn't stop the others.
    assert not json.loads(call("leaderboard", "show", "forest", "--format", "json").output)[
        "trials"
    ]
    board = call("leaderboard", "--all", "--trials", "1").output
    assert board.count("Trials of ") == 1
    assert "Tune, the best 1" in board
    assert "Trials of " not in call("leaderboard", "--all").output
    (flights.path / "reports/trials.csv").write_bytes(b"\xff\x00,trial\n1")
    assert "Trials" not in call("leaderboard", "show", "workspace").output


def test_the_verbs_cost_no_start_up_time() -> None:
    heavy = ("pygit2", "rich", "yaml", "dvc", "numpy", "pandas", "sklearn")
    program = (
        "import sys; before = set(sys.modules); import fivefold.history.commands;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
