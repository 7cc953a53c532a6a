"""Suspected errors, what to label next, and Label Studio's files."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fivefold.data.collect import CollectConfig, collect
from fivefold.data.label import Labelled
from fivefold.data.labelling.label_studio import annotations_of, label_studio_export
from fivefold.data.labelling.queue import spread, uncertainty
from fivefold.errors import ConfigError, DataError, FivefoldError, SourceError
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table import ENGINES
from tests.unit.data.test_label import column, labelled

ROWS = 300
_draws = np.random.default_rng(5)
_x, _z = _draws.normal(size=(2, ROWS))
_true = (_x + _z > 0).astype(int)
# Labels that are wrong though the row is far from the boundary.
WRONG = np.flatnonzero(np.abs(_x + _z) > 1.5)[:12].tolist()
_given = _true.copy()
_given[WRONG] = 1 - _given[WRONG]
NOISY = pa.table(
    {
        "id": list(range(ROWS)),
        "x": _x,
        "z": pa.array([None if i % 50 == 0 else v for i, v in enumerate(_z.tolist())]),
        "kind": [["a", "b", None][i % 3] for i in range(ROWS)],
        "day": list(range(ROWS)),
        "given": pa.array(_given.tolist()),
        "partly": pa.array([v if i < 100 else None for i, v in enumerate(_given.tolist())]),
    }
)
QUICK = {"_target_": "sklearn.linear_model.LogisticRegression"}
MODEL = {"features": ["x", "z", "kind"], "estimator": QUICK}


def judged(engine: str = "polars", table: pa.Table = NOISY, **declared: Any) -> Labelled:
    values = {"target": "given", "model": MODEL, **declared}
    return labelled(engine, table, **values)


def test_wrong_labels_are_found_and_the_same_on_every_engine() -> None:
    results = [judged(engine, suspects={}) for engine in ENGINES]
    assert len({json.dumps([r.report, r.tasks]) for r in results}) == 1
    found = results[0].report["suspects"]
    listed = [entry["id"] for entry in found["listed"]]
    assert set(listed[:10]) <= set(WRONG)
    assert len(set(listed) & set(WRONG)) >= 11
    assert found["suspected"] == len(listed) == len(results[0].tasks)
    assert 0.02 < found["estimated_noise"] < 0.1
    first = found["listed"][0]
    assert first["suggested"] == 1 - first["label"]
    assert "Suspected errors" in render_html(results[0].page)


def test_the_usual_model_sees_what_the_label_is_not_made_of() -> None:
    result = labelled(
        table=NOISY,
        expression="x + 2 * day >= 9",
        suspects={"limit": 3},
        model={"exclude": ["given", "partly"]},
    )
    found = result.report["suspects"]
    assert found["features"] == ["z", "kind"]
    assert len(found["listed"]) <= 3


@pytest.mark.parametrize("how", [{"time": "day"}, {"group": "kind"}, {"most_rows": 100}])
def test_folds_and_samples_are_the_same_on_every_engine(how: dict[str, Any]) -> None:
    reports = [judged(e, suspects={}, model={**MODEL, **how}).report for e in ENGINES]
    assert reports[0] == reports[1] == reports[2]
    found = reports[0]["suspects"]
    assert found["judged"] == 300 if "most_rows" not in how else 60 < found["judged"] < 140


def test_corrected_tasks_come_back_and_mend_the_labels(tmp_path: Path) -> None:
    """The whole circle: tasks out, an answer to each, its export in, the labels right."""
    tasks = judged(suspects={}).tasks
    exported = [
        {
            "id": number,
            "data": task["data"],
            "annotations": [
                {
                    "id": number,
                    "completed_by": 3,
                    "was_cancelled": False,
                    "result": [{**task["predictions"][0]["result"][0], "id": f"r{number}"}],
                }
            ],
        }
        for number, task in enumerate(tasks, 1)
    ]
    source = annotations_of(exported, ["id", "was"])
    result = judged(corrections={"table": "back", "by": "annotator"}, tables={"back": source})
    found = result.report["corrections"]
    assert (found["changed"], found["refused"]) == (len(tasks), 0)
    assert found["first_changed"][0]["by"] == "3"
    mended = np.array(column(result, "given"))[WRONG] == _true[WRONG]
    assert mended.sum() >= 11


@pytest.mark.parametrize("by", ["entropy", "margin", "least_confidence"])
def test_the_queue_is_of_uncertain_and_different_rows(by: str) -> None:
    results = [judged(e, target="partly", queue={"size": 8, "by": by}) for e in ENGINES]
    assert len({json.dumps([r.report, r.queue]) for r in results}) == 1
    found = results[0].report["queue"]
    ids = [entry["id"] for entry in found["listed"]]
    assert len(set(ids)) == found["queued"] == len(results[0].queue) == 8
    assert min(ids) >= 100
    assert found["unlabelled"] == 200
    near = np.abs(_x + _z)
    assert near[ids].mean() < near[100:].mean() / 1.5
    assert [task["data"]["id"] for task in results[0].queue] == ids


def test_the_queue_without_labels_or_rows_says_so() -> None:
    none = NOISY.append_column("none", pa.nulls(ROWS, pa.int64()))
    none = none.set_column(7, "none", pa.array([1] + [None] * (ROWS - 1), pa.int64()))
    cold = judged(table=none, target="none", queue={"size": 5})
    assert cold.report["queue"]["by"] == "diversity alone"
    assert [set(task) for task in cold.queue] == [{"data"}] * 5
    full = judged(queue={"size": 5})
    assert full.report["queue"]["reason"] == "every row has a label"
    assert full.queue == []


def test_uncertainty_and_spread() -> None:
    chances = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]])
    assert uncertainty(chances, "entropy").tolist() == [0, 1, 0.63093]
    assert uncertainty(chances, "margin").tolist() == [0, 1, 1]
    assert uncertainty(chances, "least_confidence").tolist() == [0, 0.666667, 0.5]
    points = np.array([[0.0], [0.1], [5.0], [9.0], [9.0]])
    assert spread(points, 3).tolist() == [0, 3, 2]
    assert sorted(spread(points, 9).tolist()) == [0, 1, 2, 3, 4]
    assert spread(points[:0], 3).tolist() == []


def pipeline_of_texts() -> Any:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    texts = FunctionTransformer(lambda frame: frame["text"])
    return make_pipeline(texts, CountVectorizer(), MultinomialNB())


def test_texts_are_judged_by_a_pipeline_of_the_users() -> None:
    words = [["fine", "good"], ["bad", "poor"]]
    rows = [(i, f"{words[i % 2][i % 3 % 2]} {i % 5}", i % 2) for i in range(60)]
    rows[8] = (8, rows[8][1], 1)
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(("id", "text", "y"))})
    estimator = {"_target_": f"{__name__}.pipeline_of_texts"}
    result = labelled(
        table=table, suspects={}, model={"features": ["text"], "estimator": estimator}
    )
    assert result.report["suspects"]["listed"][0]["id"] == 8


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"model": {"features": ["xx"]}}, ["no column 'xx'", "did you mean"]),
        ({"model": {"estimator": {"_target_": "sklearn.svm.LinearSVC"}}}, ["predict_proba"]),
        ({"model": {**MODEL, "estimator": {**QUICK, "C": -1}}}, ["label.model.estimator"]),
        ({"model": {"exclude": ["x", "z", "kind", "day", "partly"]}}, ["no column to judge by"]),
        ({"model": {"group": "kind", "time": "day"}}, ["by group or by time"]),
        ({"level": "interval"}, ["needs classes"]),
        ({"suspects": {"limit": 0}}, ["out of bounds"]),
        ({"model": {"folds": 1}}, ["2 to 20"]),
    ],
)
def test_a_model_that_cannot_judge_is_one_message(
    declared: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        judged(**{"suspects": {}, **declared})
    for word in words:
        assert word in str(caught.value)


def test_one_class_is_nothing_to_judge() -> None:
    one = NOISY.append_column("one", pa.array([1] * (ROWS - 1) + [2]))
    found = judged(table=one, target="one", suspects={}).report["suspects"]
    assert (found["suspected"], found["classes_too_small"]) == (0, {"2": 1})
    assert "two classes" in found["reason"]


def require_importable(tasks: list[dict[str, Any]], interface: str) -> None:
    """Hold tasks against Label Studio's documentation of pre-annotated tasks.

    https://labelstud.io/guide/predictions: `data` with the field that the object tag shows, and
    `predictions`, each a list of results whose names are those of the labelling interface.
    """
    view = ET.fromstring(interface)  # noqa: S314 - our own
    (choices,) = view.iter("Choices")
    (shown,) = view.iter("Table")
    allowed = {choice.attrib["value"] for choice in choices}
    assert choices.attrib["toName"] == shown.attrib["name"]
    ids = []
    for task in tasks:
        assert set(task) <= {"data", "predictions"}
        assert isinstance(task["data"][shown.attrib["value"].removeprefix("$")], dict)
        for prediction in task.get("predictions", []):
            assert set(prediction) == {"model_version", "score", "result"}
            assert 0 <= prediction["score"] <= 1
            for result in prediction["result"]:
                assert set(result) == {"id", "type", "from_name", "to_name", "value"}
                assert result["type"] == "choices"
                assert result["from_name"] == choices.attrib["name"]
                assert result["to_name"] == choices.attrib["toName"]
                assert set(result["value"]["choices"]) <= allowed
                ids.append(result["id"])
    assert len(ids) == len(set(ids))
    json.dumps(tasks, allow_nan=False)


def test_tasks_are_what_label_studio_imports() -> None:
    result = judged(target="partly", suspects={}, queue={"size": 4})
    interface = result.report["label_studio_interface"]
    assert len(result.queue) == 4
    assert result.tasks
    require_importable(result.tasks, interface)
    require_importable(result.queue, interface)


def annotation(choice: Any, who: Any = 1, **more: Any) -> dict[str, Any]:
    result = {"id": "a", "from_name": "tag", "to_name": "t", "type": "choices"}
    return {
        "id": 1,
        "completed_by": who,
        "result": [] if choice is None else [{**result, "value": {"choices": choice}}],
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 4.288,
        **more,
    }


EXPORT = [
    {
        "id": 7,
        "data": {"key": "r1", "text": "…"},
        "annotations": [
            annotation(["yes"]),
            annotation(["no"], {"id": 2, "email": "ada@example.org"}),
            annotation(["no"], 3, was_cancelled=True),
        ],
        "predictions": [],
    },
    {"id": 8, "data": {"key": "r2"}, "annotations": [annotation(["no"], ground_truth=True)]},
    {"id": 9, "data": {"key": "r3"}, "annotations": [annotation(None)]},
]


def test_an_export_is_an_annotation_a_row() -> None:
    assert annotations_of(EXPORT, ["key"]).to_pylist() == [
        {"key": k, "annotator": who, "label": said, "ground_truth": gold, "task": task}
        for k, who, said, gold, task in [
            ("r1", "1", "yes", False, 7),
            ("r1", "2", "no", False, 7),
            ("r1", "3", None, False, 7),
            ("r2", "1", "no", True, 8),
            ("r3", "1", None, False, 9),
        ]
    ]
    minimal = [
        {"id": 7, "key": 1, "tag": "yes", "annotator": 1, "annotation_id": 4, "lead_time": 1.5},
        {"id": 8, "key": 2, "tag": {"choices": ["no"]}, "annotator": 2},
        {"id": 9, "key": 3, "annotator": 2},
    ]
    found = annotations_of(minimal, ["key"], "tag")
    assert found["label"].to_pylist() == ["yes", "no", None]
    assert found["annotator"].to_pylist() == ["1", "2", "2"]
    number = annotation(None) | {
        "result": [{"from_name": "stars", "type": "rating", "value": {"rating": 4}}]
    }
    rated = annotations_of([{"data": {"key": 1}, "annotations": [number]}], ["key"])
    assert rated["label"].to_pylist() == [4]


def test_an_export_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export.json").write_text(json.dumps(EXPORT), encoding="utf-8")
    read = {
        "_target_": "fivefold.data.labelling.label_studio_export",
        "path": "export.json",
        "data": ["key"],
    }
    config = typed(CollectConfig, {"sources": {"said": {"read": read}}}, "collect")
    assert collect(config).report["sources"]["said"]["rows"] == 5
    table = pa.table({"id": ["r1", "r2", "r3"]})
    result = labelled(
        table=table,
        annotators={"table": "said", "item": ["key"], "tie": "first"},
        tables={"said": label_studio_export("export.json", ["key"])},
    )
    assert column(result) == ["no", "no", None]
    assert result.report["annotators"]["rows_without_label_or_annotator"] == 2


def changed(change: Callable[[Any], None]) -> Any:
    copy = json.loads(json.dumps(EXPORT))
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("export", "words"),
    [
        ({"tasks": []}, ["not a list of tasks", "dict"]),
        ([1], ["not a list of tasks"]),
        ([], ["no annotation"]),
        (changed(lambda e: e[0].pop("data")), ["task 7", "not a task"]),
        (changed(lambda e: e[0].update(annotations="x")), ["task 7", "not a task"]),
        (changed(lambda e: e[0].update(annotations=[3])), ["not an annotation"]),
        (changed(lambda e: e[1]["data"].pop("key")), ["task 8", "no field 'key'"]),
        (changed(lambda e: e[1]["data"].update(key=[1])), ["no single value"]),
        (changed(lambda e: e[0]["annotations"][0]["result"][0].update(value=None)), ["its value"]),
        (changed(lambda e: e[0]["annotations"][0]["result"].append(7)), ["not a result"]),
        (
            changed(
                lambda e: e[0]["annotations"][0]["result"][0]["value"].update(choices=["a", "b"])
            ),
            ["more than one choice", "a, b"],
        ),
        (
            changed(
                lambda e: e[0]["annotations"][0]["result"].append(
                    {"from_name": "more", "type": "rating", "value": {"rating": 1}}
                )
            ),
            ["more than one control tag", "declare from_name"],
        ),
        ([{"key": 1, "tag": "yes"}], ["JSON-MIN does not say", "declare from_name"]),
    ],
)
def test_a_malformed_export_is_one_message(export: Any, words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        annotations_of(export, ["key"])
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("path", "content"),
    [("../a.json", None), ("no.json", None), ("bad.json", "{"), ("b.json", "[")],
)
def test_a_file_that_is_no_export_is_one_message(
    path: str, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(path).write_text(content, encoding="utf-8")
    with pytest.raises(FivefoldError) as caught:
        label_studio_export(path, ["key"])
    assert path in str(caught.value)
