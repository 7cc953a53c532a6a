"""The cards, held against the hub's own tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from huggingface_hub import DatasetCard, ModelCard

from fivefold.card_commands import Which, with_costs
from fivefold.errors import ConfigError
from fivefold.metrics import METRICS
from fivefold.model.document import DocumentConfig, Documented, document
from fivefold.model.evaluate import EvaluateConfig, evaluate
from fivefold.model.train import TrainConfig, train

from .model_examples import Example, example, untuned

LINEAR = {
    "classifier": {"_target_": "sklearn.linear_model.LogisticRegression"},
    "regressor": {"_target_": "sklearn.linear_model.Ridge"},
}
CHARTER = {
    "problem": "Some trains are late.",
    "objective": "Say which.",
    "stakeholders": ["passengers"],
    "thresholds": {"acceptable": 0.6, "excellent": None},
    "risks": [{"risk": "Winter differs.", "response": "Monitor it."}],
    "assumptions": ["The timetable is known."],
    "roles": {"product": {"name": "Operations", "handle": "@ops", "phases": ["plan"]}},
}
SHA = "0f" * 32


def documented(given: Example, **more: Any) -> Documented:
    config = TrainConfig(model="mine", code="c0de", **LINEAR)
    model = train(given.train, given.schema, given.objective, untuned(config), config)
    judged = evaluate(
        model.estimator,
        model.report,
        given.train,
        given.test,
        given.schema,
        given.objective,
        EvaluateConfig(key=["id"], resamples=100, min_group_rows=20),
    )
    options = {
        key: more.pop(key) for key in ("diagnosis", "assessment", "explanation") if key in more
    }
    known = {"diagnosis": {}, "assessment": {}, "explanation": {}, **options}
    return document(
        charter=CHARTER,
        sources={"sources": {"trips": {"file": "trips.csv", "rows": 450, "sha256": SHA}}},
        audit={
            "rows_before": 460,
            "rows": 450,
            "steps": [
                {"step": "fivefold.data.cleaning.drop_missing", "rows_before": 460, "rows": 450}
            ],
        },
        validation={"rows": 450, "checks": 12, "quarantined": {"rows": 3}},
        split={
            "method": "random",
            "rows": 450,
            "parts": {"train": {"rows": 300}, "test": {"rows": 150}, "production": {"rows": 0}},
            "test_content": "abc123",
        },
        schema=given.schema,
        objective=given.objective,
        fitted=json.loads(json.dumps(model.report)),
        metrics=json.loads(json.dumps(judged.metrics)),
        evaluation=json.loads(json.dumps(judged.report)),
        config=DocumentConfig(**more),
        **known,
    )


def test_the_hub_reads_the_model_card(any_example: Example) -> None:
    result = documented(any_example, license="apache-2.0", tags=["trains"])
    card = ModelCard(result.model_card)
    data = card.data
    assert data.license == "apache-2.0"
    assert data.library_name == "sklearn"
    kind = "classification" if any_example.objective.is_classification else "regression"
    assert data.pipeline_tag == f"tabular-{kind}"
    assert {"skops", "onnx", "trains"} <= set(data.tags)
    assert data.eval_results is not None
    found = {item.metric_name: item.metric_value for item in data.eval_results}
    assert set(found) == {METRICS[name].title for name in any_example.objective.metrics}
    assert all(item.dataset_revision == "abc123" for item in data.eval_results)
    # What the hub's tools write again, they read as the same.
    again = ModelCard(str(card)).data
    assert again.to_dict() == data.to_dict()


def test_the_hub_reads_the_data_card(any_example: Example) -> None:
    card = DatasetCard(documented(any_example, data_license="cc-by-4.0").data_card)
    assert card.data.license == "cc-by-4.0"
    assert card.data.size_categories == ["n<1K"]
    splits = card.data.to_dict()["dataset_info"]["splits"]
    assert splits == [{"name": "train", "num_examples": 300}, {"name": "test", "num_examples": 150}]
    for text in (SHA, "drop_missing", "10", "carrier", "12 checks", "3 rows"):
        assert text in card.text


def test_the_model_card_tells_the_facts(any_example: Example) -> None:
    text = documented(any_example, out_of_scope=["Setting fares."]).model_card
    for word in (
        "Model card: test", "target", "Evaluation", "limits", "carrier", "wind", "passengers",
        "Setting fares.", "Winter differs.", "The timetable is known.", "Operations (@ops)", "c0de",
    ):  # fmt: skip
        assert word in text
    assert any_example.objective.primary.title in text


def test_what_other_stages_found_is_told(binary: Example) -> None:
    text = documented(
        binary,
        diagnosis={
            "slices": [{"slice": "hour > 20", "rows": 40, "mean_loss": 0.9, "rest_loss": 0.3}]
        },
        explanation={
            "importance": [{"feature": "wind", "importance": 0.2, "low": 0.1, "high": 0.3}]
        },
    ).model_card
    assert "hour \\> 20" in text
    assert "What it heeds" in text


def test_the_same_twice_and_nothing_measured(binary: Example) -> None:
    first, second = documented(binary), documented(binary)
    assert first == second
    assert "seconds" not in first.model_card


def test_the_cost_is_added_on_the_way_out(binary: Example) -> None:
    card = documented(binary, license="mit").model_card
    profile = {
        "train": {"seconds": 2.0, "cpu_seconds": 3.0, "energy_wh": 0.5, "emissions_g": 0.2},
        "select": {"seconds": 1.0, "emissions_g": 0.1, "parts": {}},
    }
    text = with_costs(card, profile, {"models/model.onnx": "d41d"}, Which.MODEL)
    data = ModelCard(text).data.to_dict()
    assert data["co2_eq_emissions"]["emissions"] == pytest.approx(0.3)
    assert data["license"] == "mit"
    assert "d41d" in text
    assert "What it cost" in text
    assert text.count("\n# ") == 1
    # Nothing was measured: nothing is made up.
    assert "co2" not in with_costs(card, {}, {}, Which.MODEL)


def test_a_licence_is_an_identifier() -> None:
    with pytest.raises(ConfigError, match="named by its identifier"):
        DocumentConfig(license="Apache License 2.0")


def test_a_decision_is_told() -> None:
    assert "no cost of errors was weighed" in documented(example("binary")).model_card
