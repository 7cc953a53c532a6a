"""The whole data phase on real flights, as the template configures it, on every engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow.parquet as pq
import pytest
import yaml

from fivefold.data.clean import CleanConfig, clean
from fivefold.data.collect import CollectConfig, collect
from fivefold.data.explore import ExploreConfig, explore
from fivefold.data.integrate import IntegrateConfig, integrate
from fivefold.data.label import LabelConfig, label
from fivefold.data.split import SplitConfig, split
from fivefold.data.validate import ValidateConfig, validate
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table import ENGINES, Table, scan, write_table
from fivefold.table.folder import scan_folder, write_folder

EXAMPLE = Path(__file__).parents[3] / "template/templates/flights"
KEY = ["time_hour", "carrier", "flight", "origin"]
OBJECTIVE = Objective("flights", "binary", "late", "roc_auc", ("roc_auc",))
SAMPLE = 4000


def declared(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((EXAMPLE / f"{name}.yaml").read_text("utf-8"))
    return values


def run(engine: str, folder: Path) -> dict[str, str]:
    """Run the stages in turn, each from the files of the one before; give a hash of each output."""
    folder.mkdir()
    hashes: dict[str, str] = {}

    def keep(name: str, value: Any) -> nw.LazyFrame[Any] | None:
        if isinstance(value, Table):
            path = folder / f"{name}.parquet"
            write_table(value, path)
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            return scan(path, engine)
        text = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        (folder / f"{name}.json").write_text(text)
        return None

    def config(cls: type, name: str, **extra: Any) -> Any:
        known = declared(name) if (EXAMPLE / f"{name}.yaml").exists() else {}
        return typed(cls, {**known, **extra}, name)

    sources = declared("collect")["sources"]
    sources["flights"]["sample"] = SAMPLE
    collected = collect(typed(CollectConfig, {"sources": sources, "seed": 1}, "collect"))
    keep("collect", collected.report)
    write_folder(collected.tables, folder / "collected")
    tables = scan_folder(folder / "collected", engine)
    integrated = integrate(tables, config(IntegrateConfig, "integrate", key=KEY, engine=engine))
    keep("integrate", integrated.report)
    frame = keep("integrated", integrated.table)
    labelled = label(
        frame,
        tables,
        LabelConfig(key=KEY, target="late", engine=engine, expression="arr_delay >= 15"),
    )
    keep("label", labelled.report)
    frame = keep("labelled", labelled.table)
    cleaned = clean(frame, config(CleanConfig, "clean", key=KEY, target="late", engine=engine))
    keep("clean", cleaned.audit)
    frame = keep("cleaned", cleaned.table)
    audit = json.loads((folder / "clean.json").read_text())
    declared_schema = config(ValidateConfig, "schema", key=KEY, engine=engine)
    validated = validate(frame, audit, integrated.report, OBJECTIVE, declared_schema)
    keep("quarantine", validated.quarantine)
    keep("schema", validated.schema.to_json())
    keep("validate", validated.report)
    declared_split = {
        "key": KEY,
        "method": "time",
        "time": "time_hour",
        "train_until": "2013-09-01",
        "test_until": "2013-11-01",
        "production_until": "2014-01-01",
        "engine": engine,
    }
    explored = explore(
        frame,
        frame.head(0),
        validated.schema,
        OBJECTIVE,
        ExploreConfig(engine=engine, key=KEY, split=declared_split, sample=1000),
    )
    keep("explore", explored.summary)
    keep("page", render_html(explored.page))
    parts = split(
        frame,
        frame.head(0),
        validated.schema,
        OBJECTIVE,
        SplitConfig(**declared_split),
    )
    keep("split", parts.report)
    for part in ("train", "test", "production"):
        keep(part, getattr(parts, part))
    return hashes


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Path, dict[str, str]]]:
    root = tmp_path_factory.mktemp("flights")
    return {engine: (root / engine, run(engine, root / engine)) for engine in ENGINES}


def test_every_output_is_the_same_on_every_engine(runs: Mapping[str, Any]) -> None:
    first, *others = (hashes for _, hashes in runs.values())
    assert len(first) == 16
    for other in others:
        assert other == first


def test_the_figures_are_those_of_the_flights(runs: Mapping[str, Any]) -> None:
    folder = runs["polars"][0]
    reports = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("collect", "integrate", "clean", "split", "explore")
    }
    flights = reports["collect"]["sources"]["flights"]
    assert (flights["source_rows"], flights["rows"]) == (336_776, SAMPLE)
    rates = {join["table"]: join["match_rate"] for join in reports["integrate"]["joins"]}
    assert rates["airlines"] == 1.0
    assert 0.98 < rates["weather"] < 1.0
    assert 0.8 < rates["planes"] < 0.9
    audit = reports["clean"]
    raw = pq.read_table(folder / "collected/flights.parquet")["arr_delay"].to_pylist()
    known = [delay for delay in raw if delay is not None]
    assert audit["rows_before"] - audit["rows"] == len(raw) - len(known) > 0
    assert audit["target"]["classes"]["1"] == sum(delay >= 15 for delay in known)
    leaks = [item["column"] for item in audit["findings"] if item["kind"] == "leak"]
    assert leaks == ["arr_delay"]
    parts = reports["split"]["parts"]
    assert sum(part["rows"] for part in parts.values()) + reports["split"]["unused_rows"] == len(
        known
    )
    assert parts["train"]["time"]["last"] < "2013-09-01" <= parts["test"]["time"]["first"]
    assert parts["test"]["time"]["last"] < "2013-11-01" <= parts["production"]["time"]["first"]
    assert reports["explore"]["columns"]["late"]["role"] == "target"
