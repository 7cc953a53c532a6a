"""The change per slice: who got worse while the average got better."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fivefold.corrections import holm
from fivefold.history.diff import sliced_rows
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.diff.findings import SliceReport
from fivefold.history.diff.pairs import PairedRows, pair_rows
from fivefold.history.diff.render import render_diff
from fivefold.history.diff.rows import read_rows
from fivefold.history.diff.rowspec import RowSpec
from fivefold.history.diff.slices import corrected
from fivefold.scoring import Predictions, score

from .conftest import Project

CARRIERS = ("AA", "UA", "WN")
ROWS = 900

PARAMS = """
    plan: {name: flights, task: binary, target: late, primary_metric: log_loss}
    evaluate:
      key: [id]
      inputs: {test: data/test.parquet}
"""

SCHEMA = {"columns": {"carrier": {"dtype": "string", "role": "group"}, "id": {"role": "ignored"}}}


def truth() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(7)
    carrier = np.array(CARRIERS)[rng.choice(3, ROWS, p=[0.6, 0.25, 0.15])]
    return rng, carrier, (rng.random(ROWS) < 0.4).astype(int)


def write_run(project: Project, name: str, skill: dict[str, float], report: bool = True) -> None:
    """Write what an evaluation would: rows, metrics, and the groups of the report."""
    rng, carrier, late = truth()
    shared = rng.normal(size=ROWS)
    own = np.random.default_rng(len(name)).normal(size=ROWS)
    merit = np.array([skill[c] for c in carrier])
    logit = merit * (2 * late - 1) + 0.8 * shared + 0.1 * own
    p = 1 / (1 + np.exp(-logit))
    data = project.path / "data"
    data.mkdir(exist_ok=True)
    # The evaluation's rows come in the order of the key; the test part's need not.
    order = np.random.default_rng(1).permutation(ROWS)
    parquet.write_table(
        pa.table({"id": order, "carrier": carrier[order], "late": late[order]}),
        data / "test.parquet",
    )
    parquet.write_table(
        pa.table({"id": np.arange(ROWS), "late": late, "score": p, "predicted": (p >= 0.5) * 1}),
        data / "predictions.parquet",
    )
    found = Predictions(late, np.array([0, 1]), p, (p >= 0.5) * 1)
    project.write("metrics/evaluate.json", {"log_loss": score("log_loss", found)})
    if report:
        groups = []
        for value in CARRIERS:
            part = found.take(carrier == value)
            loss = score("log_loss", part) or 0.0
            groups.append(
                {
                    "group": value,
                    "rows": len(part),
                    "small": False,
                    "log_loss": loss,
                    "interval": {"log_loss": {"low": loss - 0.05, "high": loss + 0.05}},
                }
            )
        project.write("reports/evaluate.json", {"groups": {"carrier": {"groups": groups}}})
    project.write("params.yaml", PARAMS)
    project.write("reports/schema.json", SCHEMA)
    project.write("dvc.yaml", "metrics: [metrics/evaluate.json]\n")
    project.dvc("add", "--quiet", "data/test.parquet", "data/predictions.parquet")
    project.commit(name)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Better for the many, worse for the few."""
    from .conftest import start

    project = start(tmp_path_factory.mktemp("slices") / "project")
    write_run(project, "base", {"AA": 0.8, "UA": 0.8, "WN": 0.8})
    write_run(project, "the head", {"AA": 1.4, "UA": 0.8, "WN": 0.4})
    return project


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    return made.copy(tmp_path / "project")


def diff(project: Project) -> tuple[Diff, SliceReport]:
    reader = project.reader()
    repository = reader.repository
    found = compare(reader, repository.resolve("HEAD~1"), repository.resolve("HEAD"))
    assert found.slices is not None
    return found, found.slices


def test_who_got_worse_though_the_average_got_better(project: Project) -> None:
    found, report = diff(project)
    assert found.outcome == "better"
    assert report.source == "rows"
    assert (report.metric, report.correction) == ("log_loss", "Holm")
    assert report.slices[0].value == "WN"
    by_value = {item.value: item for item in report.slices}
    assert by_value["WN"].judgement == "worse"
    assert by_value["AA"].judgement == "better"
    assert "but log_loss got worse for carrier = WN (+" in found.verdict
    _, carrier, late = truth()
    for item in report.slices:
        assert item.rows == (carrier == item.value).sum()
        assert item.interval is not None
        assert item.interval[0] < item.change < item.interval[1]
    # The values are those of the slice's own rows.
    table = parquet.read_table(project.path / "data/predictions.parquet")
    rows = carrier == "WN"
    p = table["score"].to_numpy()[rows]
    head = score("log_loss", Predictions(late[rows], np.array([0, 1]), p, p >= 0.5))
    assert by_value["WN"].head == pytest.approx(head)


def test_every_format_shows_the_slices(project: Project) -> None:
    found, report = diff(project)
    for form in ("terminal", "markdown"):
        text = render_diff(found, form)
        assert text.index("carrier = WN") < text.index("carrier = AA")
        assert "Holm" in text
    told = json.loads(render_diff(found, "json"))["slices"]
    assert [item["value"] for item in told["slices"]] == [item.value for item in report.slices]
    assert told["slices"][0]["adjusted"] == report.slices[0].adjusted


def test_without_the_test_part_the_reports_tell(project: Project) -> None:
    (project.path / "data/test.parquet").unlink()
    for file in (project.path / ".dvc/cache/files/md5").rglob("*"):
        if file.is_file() and b"carrier" in file.read_bytes():
            file.unlink()
    found, report = diff(project)
    assert found.metrics[0].rows == ROWS
    assert report.source == "reports"
    assert any("data/test.parquet is not in DVC's cache" in note for note in found.notes)


def test_without_the_rows_the_reports_tell(project: Project) -> None:
    (project.path / ".dvc/cache").rename(project.path / "gone")
    (project.path / "data/predictions.parquet").unlink()
    found, report = diff(project)
    assert found.metrics[0].rows is None
    assert report.source == "reports"
    assert "independent" in report.method
    by_value = {item.value: item for item in report.slices}
    assert by_value["AA"].judgement == "better"
    assert by_value["WN"].judgement == "worse"
    # Each interval is 0.05 to either side; two of them make the root of twice its square.
    low, high = by_value["WN"].interval or (0.0, 0.0)
    assert (high - low) / 2 == pytest.approx(0.05 * 2**0.5)


def test_groups_that_the_settings_name(new_project: Callable[..., Project]) -> None:
    project = new_project()
    _, carrier, late = truth()
    for name, merit in (("base", 0.5), ("head", 1.0)):
        rng = np.random.default_rng(3)
        p = 1 / (1 + np.exp(-(merit * (2 * late - 1) + rng.normal(size=ROWS))))
        region = np.where(np.arange(ROWS) < 20, "tiny", carrier).tolist()
        region[-50:] = [None] * 50
        table = pa.table({"id": np.arange(ROWS), "y": late, "p": p, "region": region})
        parquet.write_table(table, project.path / "rows.parquet")
        found = Predictions(late, np.array([0, 1]), p, p >= 0.5)
        project.write("metrics.json", {"roc_auc": score("roc_auc", found)})
        project.write("dvc.yaml", "metrics: [metrics.json]\n")
        project.write(
            "fivefold.yaml",
            """
            metric: roc_auc
            predictions: {path: rows.parquet, key: id, target: y, score: p, groups: [region]}
            """,
        )
        project.dvc("add", "--quiet", "rows.parquet")
        project.commit(name)
    _, report = diff(project)
    by_value = {item.value: item for item in report.slices}
    assert set(by_value) == {*CARRIERS, "tiny", "missing"}
    assert (by_value["tiny"].rows, by_value["tiny"].judgement) == (20, "too small")
    assert by_value["tiny"].interval is None
    assert by_value["missing"].rows == 50
    # What can't be judged comes last, and doesn't count in the correction.
    assert report.slices[-1].value == "tiny"
    tested = [item for item in report.slices if item.p_value is not None]
    least = min(tested, key=lambda item: item.p_value or 0.0)
    assert least.adjusted == pytest.approx(min(1.0, (least.p_value or 0.0) * len(tested)))


def test_holms_correction() -> None:
    # By hand: three times 0.01, twice 0.03, once 0.04, but not below the one before.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def null_pair(seed: int, slices: int, rows: int) -> tuple[PairedRows, Any]:
    """Two models of the same skill, on slices of equal size."""
    rng = np.random.default_rng(seed)
    n = slices * rows
    late = (rng.random(n) < 0.4).astype(int)
    shared = rng.normal(size=n)
    found = []
    for _ in range(2):
        logit = 2 * late - 1 + shared + 0.5 * rng.normal(size=n)
        table = pa.table({"id": np.arange(n), "y": late, "p": 1 / (1 + np.exp(-logit))})
        sink = pa.BufferOutputStream()
        parquet.write_table(table, sink)
        spec = RowSpec("rows.parquet", ("id",), "y", "binary", "p")
        found.append(read_rows(sink.getvalue().to_pybytes(), spec))
    column = pa.chunked_array([np.repeat([f"s{i}" for i in range(slices)], rows)])
    return pair_rows(found[0], found[1]), column


# Of 150 trials of twelve slices, a share of 0.05 has a standard error of 1.8 points; the tolerance
# is three of them. Without a correction, 46 of 100 would find a slice that changed.
@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "accuracy"])
def test_no_difference_rarely_makes_any_slice_worse_or_better(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliced_rows, "RESAMPLES", 200)
    wrong = uncorrected = 0
    for seed in range(150):
        paired, column = null_pair(seed, slices=12, rows=60)
        slices, left_out = sliced_rows.slices_by_rows(name, {"s": column}, paired)
        assert len(slices) == 12
        assert left_out == 0
        found = corrected(slices, "maximize")
        wrong += any(item.judgement in ("worse", "better") for item in found)
        uncorrected += any((item.p_value or 1.0) < 0.05 for item in found)
    assert wrong / 150 <= 0.05 + 0.054
    assert uncorrected > 2 * wrong
