"""The project holds together, and its results are the ones it claims."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def fivefold(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fivefold", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_configuration_and_pipeline_agree():
    done = fivefold("check")
    assert done.returncode == 0, done.stderr


def test_parameters_are_what_conf_gives():
    done = fivefold("compose", "--check")
    assert done.returncode == 0, done.stderr


def test_metrics_of_the_plan_are_measured():
    plan = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["plan"]
    metrics = json.loads((ROOT / "metrics" / "evaluate.json").read_text(encoding="utf-8"))
    for name in {plan["primary_metric"], *plan["metrics"]}:
        assert name in metrics


def test_model_beats_the_baseline():
    from fivefold.metrics import METRICS

    plan = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["plan"]
    metrics = json.loads((ROOT / "metrics" / "evaluate.json").read_text(encoding="utf-8"))
    metric = METRICS[plan["primary_metric"]]
    ours, baseline = metrics[metric.name], metrics["baseline"][metric.name]
    assert ours > baseline if metric.goal == "maximize" else ours < baseline


def test_exported_model_is_the_trained_one():
    metrics = json.loads((ROOT / "metrics" / "export.json").read_text(encoding="utf-8"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["export"]
    assert metrics["rows_beyond_tolerance"] <= params["max_rows_beyond"]
