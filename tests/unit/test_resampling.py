"""Resamples as counts: what each way of drawing keeps, and what it leaves to chance."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold.resampling import (
    Clusters,
    Drawing,
    Rows,
    Strata,
    TimeBlocks,
    block_length,
    resample_counts,
)
from fivefold.scoring import Predictions, bootstrap

CODES = np.array([0, 0, 2, 1, 1, 1, 0, 2])
WAYS: list[Drawing] = [Rows(8), Strata(CODES), Clusters(CODES), TimeBlocks(CODES, 2)]


def counts_of(drawing: Drawing, size: int = 400, seed: int = 0) -> np.ndarray:
    return np.concatenate([counts for _, counts in resample_counts(drawing, size, seed)])


@pytest.mark.parametrize("drawing", WAYS)
def test_equal_seeds_draw_alike_and_every_row_as_often(drawing: Drawing) -> None:
    counts = counts_of(drawing, 4000)
    np.testing.assert_array_equal(counts, counts_of(drawing, 4000))
    assert counts.shape == (4000, 8)
    assert counts.mean(axis=0) == pytest.approx(np.ones(8), abs=0.08)


def test_strata_keep_their_size() -> None:
    counts = counts_of(Strata(CODES))
    for code in range(3):
        assert (counts[:, code == CODES].sum(axis=1) == (code == CODES).sum()).all()
    assert (counts.std(axis=0) > 0).all()


def test_groups_are_drawn_whole() -> None:
    counts = counts_of(Clusters(CODES * 5))
    for code in range(3):
        own = counts[:, code == CODES]
        assert (own == own[:, :1]).all()
    firsts = counts[:, [0, 3, 2]]
    assert (firsts.sum(axis=1) == 3).all()


def test_blocks_are_stretches_that_close_the_circle() -> None:
    moments, length = 11, 4
    counts = counts_of(TimeBlocks(np.arange(moments), length), 300)
    assert (counts.sum(axis=1) == moments).all()
    # By hand: the starts are what the generator gives first.
    starts = np.random.default_rng(0).integers(0, moments, size=(300, 3))
    for count, begun in zip(counts, starts, strict=True):
        by_hand = np.zeros(moments, dtype=int)
        for start, many in zip(begun, (4, 4, 3), strict=True):
            np.add.at(by_hand, (start + np.arange(many)) % moments, 1)
        np.testing.assert_array_equal(count, by_hand)


@pytest.mark.parametrize("drawing", WAYS)
def test_another_order_of_the_rows_keeps_what_belongs_together(drawing: Drawing) -> None:
    order = np.array([3, 1, 0, 2, 7, 6, 5, 4])
    moved = drawing.take(order)
    assert moved.n_rows == 8
    if not isinstance(drawing, Rows | Strata):
        counts = counts_of(moved)
        assert (counts[:, 0] == counts[:, 6]).all()  # rows 3 and 5 are of code 1


def test_dependent_rows_get_wider_intervals() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 25)
    right = rng.random(1000) < np.repeat(rng.choice([0.2, 0.9], 40), 25)
    p = Predictions(np.ones(1000, dtype=int), np.array([0, 1]), None, right.astype(int))

    def width(drawing: Drawing) -> float:
        found = bootstrap(["accuracy"], p, n_resamples=300, drawing=drawing)["accuracy"]
        assert found is not None
        return found["high"] - found["low"]

    alone = width(Rows(1000))
    assert width(Clusters(groups)) > 2.5 * alone
    assert width(TimeBlocks(np.arange(1000), 50)) > 2 * alone


def test_blocks_grow_with_the_correlation() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=2000)
    slow = np.zeros(2000)
    for at in range(1, 2000):
        slow[at] = 0.9 * slow[at - 1] + noise[at]
    assert block_length(noise) <= 5
    assert 20 <= block_length(slow) <= 134
    assert block_length(np.ones(50)) == 1
    assert block_length(np.arange(4.0)) == 1
