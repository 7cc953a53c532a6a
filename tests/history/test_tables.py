"""What a diff says of the tables whose hashes differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.diff.render import render_diff

from .conftest import Project, start

PARAMS = """
    plan: {task: binary, target: late, primary_metric: roc_auc}
    evaluate: {key: [id]}
    explore: {inputs: {table: data/clean.parquet}}
"""


def write_data(project: Project, rows: int, warmer: float, auc: float) -> None:
    rng = np.random.default_rng(0)
    # Every so many rows are left out, so that the key itself doesn't move.
    kept = np.linspace(0, 499, rows).astype(int)
    temp = rng.normal(size=500)[kept] + warmer
    table = pa.table({"id": kept, "temp": temp})
    (project.path / "data/parts").mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, project.path / "data/clean.parquet")
    csv.write_csv(table, project.path / "data/parts/one.csv")
    project.write("data/parts/two.csv", "a,b\n1,2\n")
    project.write("data/model.bin", f"{warmer}")
    edges = np.linspace(-4, 6, 21)
    histogram = {"edges": edges.tolist(), "rows": np.histogram(temp, edges)[0].tolist()}
    column = {"dtype": "number", "missing_share": 0.0, "histogram": histogram}
    project.write("reports/explore.json", {"rows": rows, "columns": {"temp": column}})
    project.write("params.yaml", PARAMS)
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    project.write("metrics.json", {"roc_auc": auc})
    project.dvc("add", "--quiet", "data/clean.parquet", "data/parts", "data/model.bin")
    project.commit(f"{rows} rows")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = start(tmp_path_factory.mktemp("tables") / "project")
    write_data(project, 500, 0.0, 0.7)
    write_data(project, 450, 1.0, 0.8)
    return project


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    return made.copy(tmp_path / "project")


def diff(project: Project, **options: Any) -> Diff:
    reader = project.reader()
    repository = reader.repository
    base, head = repository.resolve("HEAD~1"), repository.resolve("HEAD")
    return compare(reader, base, head, **options)


def test_tables_at_hand_are_looked_into(project: Project) -> None:
    found = diff(project)
    assert [table.path for table in found.tables] == ["data/clean.parquet", "data/parts/one.csv"]
    for table in found.tables:
        assert table.source == "tables"
        assert (table.base_rows, table.head_rows) == (500, 450)
        assert (table.rows_added, table.rows_removed, table.rows_changed) == (0, 50, 450)
        assert [column.name for column in table.moved] == ["temp"]
    # The hashes and sizes stay.
    assert {change.path for change in found.data} >= {"data/clean.parquet", "data/model.bin"}


def test_every_format_shows_them(project: Project) -> None:
    found = diff(project)
    for form in ("terminal", "markdown"):
        text = render_diff(found, form)
        assert "500 → 450" in text
        assert "temp" in text
    told = json.loads(render_diff(found, "json"))["tables"]
    assert told[0]["columns"][0]["name"] == "temp"
    assert told[0]["columns"][0]["moved"] is True
    assert told[0]["rows_removed"] == 50
    assert diff(project, rows=False).tables == ()


def forget(project: Project, *paths: str) -> None:
    """Clear the cache and the working tree of everything but some contents."""
    for path in paths:
        (project.path / path).unlink()
    (project.path / ".dvc/cache").rename(project.path / "gone")


def test_what_is_not_at_hand_leaves_hashes_and_the_profile(
    project: Project, tmp_path: Path
) -> None:
    project.dvc("remote", "add", "--default", "far", str(tmp_path / "far"))
    forget(project, "data/clean.parquet", "data/parts/one.csv")
    found = diff(project)
    (table,) = found.tables
    assert (table.path, table.source) == ("data/clean.parquet", "reports/explore.json")
    assert (table.base_rows, table.head_rows) == (500, 450)
    assert table.rows_added is None
    assert [column.name for column in table.moved] == ["temp"]
    (note,) = [note for note in found.notes if "only the hashes" in note]
    assert "data/clean.parquet" in note
    assert "fivefold diff --fetch" in note
    text = render_diff(found, "terminal")
    assert "not at hand, so by both revisions' reports/explore.json" in text


def test_without_tables_and_profiles_only_hashes_are_told(project: Project) -> None:
    forget(project, "data/clean.parquet", "data/parts/one.csv")
    project.edit("params.yaml", "explore: {inputs: {table: data/clean.parquet}}", "")
    project.commit("Explore nothing")
    reader = project.reader()
    repository = reader.repository
    found = compare(reader, repository.resolve("HEAD~2"), repository.resolve("HEAD"))
    assert found.tables == ()
    (note,) = [note for note in found.notes if "only the hashes" in note]
    # No remote is set: there is nothing to fetch from.
    assert "--fetch" not in note


def test_a_damaged_table_is_not_looked_into(project: Project) -> None:
    (project.path / "data/clean.parquet").unlink()
    for file in (project.path / ".dvc/cache/files/md5").rglob("*"):
        if file.is_file() and file.read_bytes()[:4] == b"PAR1":
            file.chmod(0o644)
            data = bytearray(file.read_bytes())
            data[100] ^= 1
            file.write_bytes(bytes(data))
    found = diff(project)
    assert {table.source for table in found.tables if table.path == "data/clean.parquet"} == {
        "reports/explore.json"
    }
    assert any("in DVC's cache is not what was hashed" in note for note in found.notes)
