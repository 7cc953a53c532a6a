"""DVC's experiments are runs too."""

from __future__ import annotations

import pytest

from fivefold.errors import HistoryError
from fivefold.history.diff.compare import compare
from fivefold.history.runs import collect_runs, find_tips

from .conftest import Project


def test_an_experiment_is_a_run_under_its_name(flights: Project) -> None:
    flights.dvc("exp", "run", "--quiet", "--name", "shallow-sea", "--set-param", "train.depth=9")
    flights.git("checkout", "--quiet", "--", ".")
    # What DVC keeps beside its experiments is none.
    flights.git("update-ref", "refs/exps/exec/EXEC_HEAD", "main")
    flights.git("update-ref", "refs/exps/stash", "main")
    reader = flights.reader()
    tips = find_tips(reader.repository, (), everything=True)
    assert [tip.name for tip in tips] == ["main", "forest", "shallow-sea"]
    runs = {run.branch: run for run in collect_runs(reader, tips, workspace=False)}
    values = {
        name: value.values["train.depth"]
        for name, run in runs.items()
        for path, value in reader.params(run.snapshot).items()
    }
    assert values["shallow-sea"] == 9
    found = compare(
        reader, reader.repository.resolve("forest"), reader.repository.resolve("shallow-sea")
    )
    assert [(c.name, c.base, c.head) for c in found.params] == [("train.depth", 3, 9)]
    assert found.integrity["head"].status == "ok"
    with pytest.raises(HistoryError, match="did you mean 'shallow-sea'"):
        reader.repository.resolve("shalow-sea")
