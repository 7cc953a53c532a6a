"""Two models on the same rows: the interval of the difference, and McNemar's test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fivefold.errors import ModelError
from fivefold.history.intervals import is_noise
from fivefold.metrics import METRICS
from fivefold.paired import mcnemar, paired_changes
from fivefold.resampling import Rows, resample_counts
from fivefold.scoring import Predictions, bootstrap, row_order, score

Pair = tuple[Predictions, Predictions]


def pair(task: str, n: int, seed: int, *, gain: float = 0.0, shared: float = 0.3) -> Pair:
    """Two models that err alike, and each by itself; the second one less, by the gain."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        # Above zero, as some metrics want their numbers.
        y = 5 + rng.normal(size=n)
        common = y + rng.normal(scale=shared, size=n)
        first, second = (common + rng.normal(scale=0.2 - less, size=n) for less in (0, gain))
        return Predictions(y, value=first), Predictions(y, value=second)
    classes = np.array([False, True]) if task == "binary" else np.array(["a", "b", "c"])
    true = rng.integers(0, len(classes), n)
    common = np.eye(len(classes))[true] + rng.normal(scale=shared, size=(n, len(classes)))
    found = []
    for less in (0.0, gain):
        merit = common + rng.normal(scale=0.5 - less, size=common.shape)
        share = np.exp(merit) / np.exp(merit).sum(axis=1, keepdims=True)
        label = classes[share.argmax(axis=1)]
        shown = share[:, 1] if task == "binary" else share
        found.append(Predictions(classes[true], classes, shown, label))
    return found[0], found[1]


CASES = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_interval_is_that_of_scikit_learns_differences(name: str, task: str) -> None:
    before, after = pair(task, 60, seed=1)
    found = paired_changes([name], before, after, n_resamples=60, seed=3)[name]
    assert found is not None
    assert found.before == pytest.approx(score(name, before), abs=1e-9)
    assert found.after == pytest.approx(score(name, after), abs=1e-9)
    order, differences = row_order(after), []
    for _, counts in resample_counts(Rows(60), 60, 3):
        for count in counts:
            rows = np.repeat(order, count)
            first, second = score(name, before.take(rows)), score(name, after.take(rows))
            if first is not None and second is not None:
                differences.append(second - first)
    low, high = np.quantile(differences, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.error == pytest.approx(np.std(differences), abs=1e-9)


# Under no difference, 95 of 100 should be called noise; of 400 trials the share has a standard
# error of 1.1 points, and the tolerance is three of them.
@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("roc_auc", "binary"),
        ("log_loss", "binary"),
        ("accuracy", "multiclass"),
        ("mean_absolute_error", "regression"),
        ("root_mean_squared_error", "regression"),
    ],
)
def test_no_difference_is_called_noise_as_often_as_claimed(name: str, task: str) -> None:
    noise = 0
    for seed in range(400):
        before, after = pair(task, 150, seed)
        found = paired_changes([name], before, after, n_resamples=300, seed=seed)[name]
        assert found is not None
        noise += found.is_noise
    assert 0.95 - 0.033 <= noise / 400 <= 0.95 + 0.033


def test_no_difference_rarely_gets_a_small_p_value() -> None:
    small = exact = 0
    for seed in range(400):
        before, after = pair("binary", 150, seed)
        found = paired_changes(["log_loss"], before, after, n_resamples=300, seed=seed)["log_loss"]
        assert found is not None
        small += found.p_value < 0.05
        right = [np.asarray(p.label) == p.y_true for p in (before, after)]
        exact += mcnemar(right[0], right[1]).p_value < 0.05
    assert small / 400 == pytest.approx(0.05, abs=0.033)
    # The exact test and the continuity correction err on the safe side.
    assert exact / 400 <= 0.05


def test_what_two_intervals_call_noise_the_pairs_can_tell() -> None:
    before, after = pair("regression", 1000, seed=5, gain=0.08, shared=0.5)
    name = "root_mean_squared_error"
    ends = []
    for p in (before, after):
        interval = bootstrap([name], p, n_resamples=300)[name]
        assert interval is not None
        ends.append((interval["low"], interval["high"]))
    values = [score(name, p) for p in (before, after)]
    assert values[0] is not None
    assert values[1] is not None
    assert is_noise(values[0], ends[0], values[1], ends[1])
    found = paired_changes([name], before, after, n_resamples=300)[name]
    assert found is not None
    assert found.high < 0
    assert not found.is_noise


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "balanced_accuracy"])
def test_blocks_give_about_the_interval_of_the_whole(name: str) -> None:
    before, after = pair("binary", 6000, seed=2, gain=0.02)
    whole = paired_changes([name], before, after)[name]
    blocks = paired_changes([name], before, after, block_rows=600)[name]
    assert whole is not None
    assert blocks is not None
    assert blocks.change == whole.change
    assert blocks.error == pytest.approx(whole.error, rel=0.15)
    assert (blocks.low, blocks.high) == pytest.approx((whole.low, whole.high), abs=whole.error / 3)


def test_equal_seeds_give_equal_intervals_whatever_else_is_asked() -> None:
    before, after = pair("binary", 300, seed=4)
    alone = paired_changes(["roc_auc"], before, after, n_resamples=50, block_rows=100)
    among = paired_changes(["f1", "roc_auc"], before, after, n_resamples=50, block_rows=100)
    assert alone["roc_auc"] == among["roc_auc"]
    other = paired_changes(["roc_auc"], before, after, n_resamples=50, block_rows=100, seed=1)
    assert other["roc_auc"] != alone["roc_auc"]


def test_the_same_predictions_differ_by_nothing() -> None:
    before, _ = pair("binary", 50, seed=0)
    found = paired_changes(["roc_auc"], before, before, n_resamples=50)["roc_auc"]
    assert found is not None
    assert (found.low, found.high, found.error, found.p_value) == (0, 0, 0, 1)


def test_an_undefined_metric_has_no_interval() -> None:
    before, after = pair("binary", 50, seed=0)
    positive = np.flatnonzero(before.positive)
    found = paired_changes(
        ["roc_auc", "accuracy"], before.take(positive), after.take(positive), n_resamples=50
    )
    assert found["roc_auc"] is None
    assert found["accuracy"] is not None


def test_what_cannot_be_paired_is_refused() -> None:
    before, after = pair("binary", 50, seed=0)
    with pytest.raises(ValueError, match="50 and 10 rows"):
        paired_changes(["accuracy"], before, after.take(np.arange(10)))
    unscored = Predictions(before.y_true, before.classes, None, before.label)
    with pytest.raises(ModelError, match="no scores"):
        paired_changes(["roc_auc"], unscored, after)


def right(gained: int, lost: int, both: int = 7) -> tuple[np.ndarray, np.ndarray]:
    before = np.array([False] * gained + [True] * lost + [True] * both)
    after = np.array([True] * gained + [False] * lost + [True] * both)
    return before, after


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 0), (3, 3), (16, 6), (2, 22)])
def test_few_rows_that_differ_are_judged_by_the_binomial_test(gained: int, lost: int) -> None:
    found = mcnemar(*right(gained, lost))
    assert (found.gained, found.lost, found.exact) == (gained, lost, True)
    differ = gained + lost
    known = stats.binomtest(min(gained, lost), differ).pvalue if differ else 1.0
    assert found.p_value == pytest.approx(known)


def test_many_rows_that_differ_are_judged_by_chi_squared() -> None:
    # By hand: (|30 - 12| - 1)² / 42 = 289 / 42 = 6.8810, whose upper tail is 0.008712.
    found = mcnemar(*right(30, 12))
    assert not found.exact
    assert found.p_value == pytest.approx(0.008712, abs=1e-6)
    assert found.p_value == pytest.approx(stats.chi2.sf(289 / 42, 1))
    # The correction doesn't turn no difference into one.
    assert mcnemar(*right(20, 20)).p_value == 1
    assert mcnemar(*right(12, 13)).p_value == 1
