from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from fivefold.drift import (
    Bins,
    bin_counts,
    bin_edges,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    wasserstein,
)
from fivefold.monitor.columns import bin_labels, drift_of
from fivefold.monitor.monitor import MonitorConfig

counts = arrays(np.int64, st.integers(1, 12), elements=st.integers(0, 1000)).filter(np.any)
pairs = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        *[arrays(np.int64, size, elements=st.integers(0, 1000)).filter(np.any) for _ in range(2)]
    )
)
samples = arrays(
    np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 1))
).map(np.sort)


@given(counts, st.integers(1, 50))
def test_a_sample_does_not_drift_from_itself_nor_from_more_of_the_same(
    sample: Any, times: int
) -> None:
    assert psi(sample, sample) == 0
    assert jensen_shannon(sample, sample) == 0
    assert psi(sample, sample * times) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon(sample, sample * times) == pytest.approx(0, abs=1e-7)


@given(pairs)
def test_the_measures_of_bins_are_symmetric_and_bounded(pair: Any) -> None:
    first, second = pair
    assert psi(first, second) == pytest.approx(psi(second, first))
    assert psi(first, second) >= 0
    assert np.isfinite(psi(first, second))
    assert jensen_shannon(first, second) == pytest.approx(jensen_shannon(second, first))
    assert 0 <= jensen_shannon(first, second) <= 1
    assert jensen_shannon(first, second) == pytest.approx(
        np.nan_to_num(jensenshannon(first, second, base=2)), abs=1e-6
    )


@given(samples, samples)
def test_the_measures_of_values_are_scipys(first: Any, second: Any) -> None:
    statistic = kolmogorov_smirnov(first, second)
    with np.errstate(all="ignore"):  # its p-value, of no interest here, divides by zero
        expected = ks_2samp(first, second, method="asymp").statistic
    assert statistic == pytest.approx(expected)
    assert 0 <= statistic <= 1
    moved = wasserstein(first, second)
    if first.std() > 0:
        assert moved == pytest.approx(wasserstein_distance(first, second) / first.std(), abs=1e-9)
    else:
        assert moved in (0.0, None)


def test_a_shift_by_hand() -> None:
    # (0.5 - 0.25) ln(2) + (0.5 - 0.75) ln(2/3)
    expected = 0.25 * np.log(2) - 0.25 * np.log(2 / 3)
    assert psi(np.array([1, 3]), np.array([2, 2])) == pytest.approx(expected)
    assert jensen_shannon(np.array([1, 0]), np.array([0, 1])) == 1


@given(
    arrays(np.float64, st.integers(1, 200), elements=st.integers(0, 30).map(float)),
    st.integers(2, 12),
)
def test_bins_hold_every_row_once_and_are_not_empty(values: Any, bins: int) -> None:
    edges = bin_edges(values, bins)
    assert (np.diff(edges) > 0).all()
    rows = bin_counts(np.append(values, np.nan), edges)
    assert len(rows) == len(edges) + 2
    assert rows.sum() == len(values) + 1
    assert rows[-1] == 1
    assert (rows[:-1] > 0).all()


def test_a_flag_that_is_nearly_always_set_has_two_bins() -> None:
    assert len(bin_edges(np.array([0.0] * 5 + [1.0] * 995), 10)) == 1
    # Continuous, with nearly all rows at its largest value.
    edges = bin_edges(np.concatenate([np.linspace(0, 1, 40, endpoint=False), np.ones(960)]), 10)
    assert len(edges) == 1
    assert edges[0] < 1


def strings(*values: str) -> Any:
    return np.array(values, dtype=object)


def test_new_categories_and_missing_values_are_told_by_name() -> None:
    reference = strings(*["a", "b"] * 500)
    current = strings(*["a", "b", "c", ""] * 250)
    bins = Bins.of(reference, "string", 10)
    drift = drift_of("carrier", reference, bins, current, MonitorConfig())
    assert drift.new_categories == ("c",)
    assert drift.new_share == 0.25
    assert drift.missing_production == 0.25
    assert drift.status == "alarm"
    assert len(drift.reasons) == 3


def test_a_rare_category_is_not_new_because_it_has_no_bin_of_its_own() -> None:
    reference = strings(*[f"c{index}" for index in range(200)] * 3)
    bins = Bins.of(reference, "string", 10)
    drift = drift_of("tail", reference, bins, reference, MonitorConfig())
    assert (drift.new_share, drift.psi, drift.status) == (0, 0, "ok")
    assert len(bin_labels(bins)) == len(bins.reference) == 52


@pytest.mark.parametrize("odd", ["others", "missing"])
def test_a_category_called_as_one_of_our_bins_is_counted_as_any(odd: str) -> None:
    reference = strings(*["a"] * 9, odd)
    bins = Bins.of(reference, "string", 10)
    assert bins.count(strings(odd, odd, "", "new")).tolist() == [0, 2, 1, 1]


def test_a_column_that_is_all_missing_can_be_compared() -> None:
    nothing, something = np.full(10, np.nan), np.arange(10.0)
    for reference, current in ((nothing, something), (something, nothing), (nothing, nothing)):
        bins = Bins.of(reference, "number", 10)
        drift = drift_of("x", reference, bins, current, MonitorConfig())
        assert drift.kolmogorov_smirnov is None
        assert (drift.status == "alarm") == (reference is not current)
