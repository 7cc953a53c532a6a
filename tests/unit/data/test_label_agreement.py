"""Agreement and consensus, held against published examples and other packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fivefold.data.labelling.agreement import agreement, alpha, cohen_kappa, fleiss_kappa
from fivefold.data.labelling.consensus import by_model, by_votes, of_numbers
from fivefold.data.labelling.label_model import dawid_skene
from fivefold.data.labelling.votes import Votes

NA = None
# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section D.
RELIABILITY = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
    [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
]
# Fleiss (1971), as a table of 10 subjects by 5 categories, 14 raters each.
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
# Dawid and Skene (1979), table 1: the first observer's three looks, then one of four others.
PATIENTS = """
1111111 3333434 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


def votes_of(rows: Sequence[Sequence[Any]], numbers: bool = False) -> Votes:
    """Annotators by items, as arrays."""
    said = [(u, s, v) for s, row in enumerate(rows) for u, v in enumerate(row) if v is not None]
    unit, source, value = (np.array(part) for part in zip(*said, strict=True))
    found = sorted(set(value.tolist()))
    places = value.astype(float) if numbers else np.searchsorted(found, value)
    names = tuple("abcdefgh"[: len(rows)])
    return Votes(tuple(found), names, unit, source, places, np.ones(len(rows[0])))


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_the_published_one(level: str, published: float) -> None:
    votes = votes_of(RELIABILITY, numbers=level == "interval")
    found = agreement(votes, level)["krippendorff_alpha"]
    assert round(found["value"], 3) == published
    assert found["low"] < found["value"] < found["high"]


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_package(level: str) -> None:
    draws = np.random.default_rng(7).integers(0, 5, (4, 60))
    rows = [[None if v == 4 else int(v) for v in row] for row in draws]
    expected = krippendorff.alpha(
        np.array([[np.nan if v is None else v for v in row] for row in rows]),
        level_of_measurement=level,
    )
    votes = votes_of(rows, numbers=level == "interval")
    found = agreement(votes, level)["krippendorff_alpha"]["value"]
    assert found == pytest.approx(expected, abs=1e-6)


def test_fleiss_kappa_is_the_published_one() -> None:
    found = fleiss_kappa(np.array(FLEISS, dtype=float), np.ones(10))
    assert round(found["value"], 3) == 0.210
    assert found["low"] < 0.210 < found["high"]


@pytest.mark.parametrize("ordered", [False, True])
def test_cohens_kappa_is_that_of_scikit_learn(ordered: bool) -> None:
    assert cohen_kappa(np.array([[20.0, 5], [10, 15]]))["value"] == pytest.approx(0.4)
    confusion = np.random.default_rng(1).integers(0, 9, (4, 4)).astype(float)
    one, other = np.divmod(np.arange(16), 4)
    expected = cohen_kappa_score(
        one, other, sample_weight=confusion.ravel(), weights="quadratic" if ordered else None
    )
    assert cohen_kappa(confusion, ordered)["value"] == pytest.approx(expected, abs=1e-6)


def test_the_intervals_cover_as_often_as_they_say() -> None:
    draws = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        truth = draws.integers(0, 2, 80)
        rows = np.where(draws.random((3, 80)) < 0.8, truth, 1 - truth)
        counts = np.stack([(rows == c).sum(axis=0) for c in (0, 1)], axis=1).astype(float)
        found = alpha(counts, np.ones(80))
        covered += found["low"] <= 0.36 <= found["high"]  # (2 * 0.8 - 1) ** 2
    assert 180 <= covered <= 200


def test_what_cannot_be_measured_says_why() -> None:
    apart = agreement(votes_of([[1, None], [None, 2]]), "nominal")
    assert apart["krippendorff_alpha"]["reason"] == "no item has two annotators"
    assert apart["cohen_kappa"][0]["reason"] == "the two have no item in common"
    alone = agreement(votes_of([[1, 2, 2]]), "nominal")
    assert alone["cohen_kappa"] == []
    assert alone["observed_agreement"] is None
    same = agreement(votes_of([[1, 1, 1], [1, 1, 1]]), "nominal")
    assert same["fleiss_kappa"]["reason"] == "every annotation is the same label"
    assert same["observed_agreement"] == 1.0


def test_dawid_and_skene_is_their_equations_on_their_data() -> None:
    said = [
        (patient, observer, int(v) - 1)
        for patient, row in enumerate(PATIENTS.split())
        for observer, v in zip((0, 0, 0, 1, 2, 3, 4), row, strict=True)
    ]
    unit, source, value = (np.array(part) for part in zip(*said, strict=True))
    votes = Votes((1, 2, 3, 4), tuple("12345"), unit, source, value, np.ones(45))
    fitted = dawid_skene(votes, smoothing=0)
    assert fitted.converged
    # Equations 2.3 to 2.5 as they stand: n is patients by observers by answers.
    n = np.zeros((45, 5, 4))
    np.add.at(n, (unit, source, value), 1)
    likely = n.sum(axis=1) / n.sum(axis=(1, 2))[:, None]
    for _ in range(100):
        shares = likely.mean(axis=0)
        errors = np.einsum("ij,ikl->kjl", likely, n)
        errors /= errors.sum(axis=2, keepdims=True)
        odds = shares * np.prod(errors.transpose(1, 0, 2) ** n[:, None], axis=(2, 3))
        likely = odds / odds.sum(axis=1, keepdims=True)
    assert fitted.prior == pytest.approx(shares, abs=1e-4)
    assert fitted.confusion == pytest.approx(errors, abs=1e-4)
    assert fitted.posterior == pytest.approx(likely, abs=1e-4)


def test_the_label_model_beats_the_majority_where_rules_differ_in_worth() -> None:
    draws = np.random.default_rng(0)
    truth = (draws.random(3000) > 0.6).astype(int)
    rules = [(1, 0.4, 0.05), (0, 0.5, 0.1), (1, 0.3, 0.1)]  # a label, where it is right, and wrong
    rows = [np.where(draws.random(3000) < np.where(truth == v, a, b), v, -1) for v, a, b in rules]
    rows += [np.where(draws.random(3000) < right, truth, 1 - truth) for right in (0.9, 0.6)]
    votes = votes_of([[None if v < 0 else int(v) for v in row] for row in rows])
    voted = by_votes(votes, "first", 0).label
    modelled = by_model(votes, "first", 0, abstentions=True).label
    assert (modelled == truth).mean() > (voted == truth).mean() + 0.04
    assert (modelled == truth).mean() > 0.9


@pytest.mark.parametrize(("tie", "label"), [("missing", -1), ("first", 0), ("last", 1)])
def test_a_tie_is_decided_as_declared(tie: str, label: int) -> None:
    votes = votes_of([[1, 1, 1], [2, 1, None], [None, 2, 2]])
    chosen = by_votes(votes, tie, 0.0)
    assert chosen.label.tolist() == [label, 0, label]
    assert chosen.tied == 2
    assert chosen.confidence[1] == 0.666667
    assert by_votes(votes, "first", 0.6, least=3).label.tolist() == [-1, 0, -1]


def test_numbers_have_a_mean_or_median_and_a_deviation() -> None:
    votes = votes_of([[1.0, 4.0, None], [2.0, None, None], [6.0, None, None]], numbers=True)
    mean, deviation = of_numbers(votes, "mean", 1)
    assert mean[:2].tolist() == [3.0, 4.0]
    assert np.isnan(mean[2])
    assert deviation[0] == pytest.approx(7**0.5)
    assert np.isnan(deviation[1])
    assert of_numbers(votes, "median", 2)[0][0] == 2.0
    assert np.isnan(of_numbers(votes, "median", 2)[0][1])
