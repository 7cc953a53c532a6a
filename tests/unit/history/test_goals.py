"""Which way a metric is better, and whether a difference is noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fivefold.errors import HistoryError
from fivefold.history.goals import Goals, Plan, parse_metric_option
from fivefold.history.intervals import difference, is_noise
from fivefold.metrics import METRICS


@pytest.mark.parametrize("name", METRICS)
def test_the_catalogue_decides_for_its_own(name: str) -> None:
    found = Goals().direction(name)
    assert (found.goal, found.source) == (METRICS[name].goal, "catalogue")


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("val_loss", "minimize"),
        ("test.f1-score", "maximize"),
        ("train.RMSE", "minimize"),
        ("eval/accuracy", "maximize"),
        ("accuracy_error", "minimize"),
        ("mean_average_precision", "maximize"),
        ("top_5_acc", "maximize"),
        ("inference.latency_ms", "minimize"),
        ("epoch", None),
        ("lossless", None),
        ("rows", None),
    ],
)
def test_a_guess_says_that_it_is_one(name: str, goal: str | None) -> None:
    found = Goals().direction(name)
    assert (found.goal, found.source) == (goal, "guessed" if goal else "unknown")


def test_who_wins() -> None:
    goals = Goals(Plan("roc_auc", ("log_loss",)), {"roc_auc": "minimize"})
    assert goals.direction("roc_auc").goal == "minimize"
    assert goals.direction("roc_auc").source == "option"
    assert goals.direction("log_loss").source == "plan"


def test_the_option() -> None:
    assert parse_metric_option("roc_auc") == ("roc_auc", None)
    assert parse_metric_option("m.json:roc_auc") == ("m.json:roc_auc", None)
    assert parse_metric_option("m.json:roc_auc:min") == ("m.json:roc_auc", "minimize")
    with pytest.raises(HistoryError, match="has no name"):
        parse_metric_option(":")


def test_the_interval_of_a_difference_covers_it_as_often_as_it_says() -> None:
    # Two independent means with known truth: the 95% interval of their difference, made from the
    # two single intervals, must hold the true difference in about 95 of 100 repetitions.
    random = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        a, b = random.normal(0, 1, 40), random.normal(0.3, 2, 60)
        ends = []
        for sample in (a, b):
            half = 1.96 * sample.std(ddof=1) / math.sqrt(len(sample))
            ends.append((sample.mean() - half, sample.mean() + half))
        low, high = difference(a.mean(), ends[0], b.mean(), ends[1])
        held += low <= 0.3 <= high
    assert 0.93 < held / 2000 < 0.97


def test_noise() -> None:
    assert is_noise(0.7, (0.69, 0.71), 0.9, (0.89, 0.91)) is False
    assert is_noise(0.7, (0.6, 0.8), 0.75, (0.65, 0.85)) is True
    assert is_noise(0.7, None, 0.75, (0.65, 0.85)) is None
    assert is_noise(0.7, (math.nan, 0.8), 0.75, (0.65, 0.85)) is None
