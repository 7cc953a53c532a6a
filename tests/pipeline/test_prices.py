"""New prices price what was recorded, and run no stage."""

from __future__ import annotations

import json

import pytest

from .conftest import Project


def test_new_prices_run_no_stage_and_are_held_against_the_budget(diabetes: Project) -> None:
    diabetes.edit("conf/prices.yaml", 'currency: ""', "currency: EUR")
    diabetes.edit("conf/prices.yaml", "machine_hour: 0", "machine_hour: 36000")
    assert diabetes.repro() == ["compose"]
    kept = json.loads(diabetes.read("metrics/profile.json"))
    assert kept["train"]["cost"] == pytest.approx(kept["train"]["seconds"] * 10)

    diabetes.edit("conf/plan.yaml", "guardrails:", "budget: {cost: 5, currency: CHF}\nguardrails:")
    said = diabetes.refused("fivefold", "check")
    for word in ("CHF", "EUR", "conf/prices.yaml:", "another currency"):
        assert word in said

    # What is recorded can be drawn.
    diabetes.fivefold("profile")
    assert "cost, EUR" in diabetes.read("reports/profile.html")
