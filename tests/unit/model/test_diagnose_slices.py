"""The search and its tests, against what can be counted by hand and simulated."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

from fivefold.model.diagnosing.attributes import Attribute, attributes_of
from fivefold.model.diagnosing.contrasts import contrast, mean_of
from fivefold.model.diagnosing.rows import blocks_of, halves
from fivefold.model.diagnosing.search import Slice, find_slices

from .error_examples import case, table

COLUMNS = {
    "carrier": "string",
    "hour": "integer",
    "wind": "number",
    "origin": "string",
    "holiday": "boolean",
}


def attributes(rows: int = 1000) -> list[Attribute]:
    train, test = table(2000, 1).to_arrow(), table(rows, 2).to_arrow()
    return attributes_of(train, test, COLUMNS, bins=5, categories=10)


def test_every_condition_says_which_rows_it_holds() -> None:
    test = table(1000, 2)
    found = {}
    for item in attributes():
        for index in range(len(item.low)):
            condition = item.condition(index)
            told = condition.to_json()
            column = pl.col(told["column"])
            expected = {
                "range": lambda c, t: (
                    (pl.lit(True) if t.get("above") is None else c > t["above"])
                    & (pl.lit(True) if t.get("up_to") is None else c <= t["up_to"])
                    & c.is_not_null()
                ),
                "equals": lambda c, t: c.eq_missing(t["value"]),
                "missing": lambda c, _: c.is_null(),
                "rare": lambda c, _: c.is_null() & False,
                "unseen": lambda c, _: c.is_null() & False,
            }[told["op"]](column, told)
            assert condition.mask.tolist() == test.select(expected).to_series().to_list()
            found[condition.text] = condition
    assert "hour from 5 to 14" in found
    assert "origin is missing" in found
    assert "holiday = yes" in found
    assert "carrier = DL" in found


def test_rare_and_unseen_categories_are_told_apart() -> None:
    train = pa.table({"x": ["a"] * 5 + ["b"] * 3 + ["c", "d", "", None]})
    test = pa.table({"x": ["a", "b", "c", "d", "e", "", None]})
    (item,) = attributes_of(train, test, {"x": "string"}, bins=5, categories=2)
    meant = [item.meaning[code] for code in item.codes]
    assert [code.value or code.op for code in meant] == [
        "a", "b", "rare", "rare", "unseen", "missing", "missing",
    ]  # fmt: skip
    assert item.pooled == 2


def test_whole_numbers_are_told_as_such() -> None:
    numbers = pa.table({"x": [1, 2, 3]})
    (item,) = attributes_of(numbers, numbers, {"x": "integer"}, bins=5, categories=2)
    texts = [item.condition(at).text for at in range(len(item.low))]
    assert texts == ["x ≤ 1", "x ≤ 2", "x = 2", "x ≥ 2", "x ≥ 3", "x is missing"]


def test_all_pairs_of_conditions_are_looked_at() -> None:
    items = attributes()
    rng = np.random.default_rng(0)
    loss = rng.exponential(size=1000) * np.where(
        items[0].condition(0).mask & items[1].condition(5).mask, 4, 1
    )
    rows = np.ones(1000, dtype=bool)
    found = find_slices(items, loss, rows, depth=2, beam=9, min_rows=30, most=10)
    counts, best = [0, 0], (-np.inf, "")
    slices = [
        Slice(tuple(item.condition(at) for item, at in zip(chosen, places, strict=True)))
        for size in (1, 2)
        for chosen in itertools.combinations(items, size)
        for places in itertools.product(*(range(len(item.low)) for item in chosen))
    ]
    for one in slices:
        mask = one.mask
        if min(mask.sum(), (~mask).sum()) >= 30:
            counts[len(one.conditions) - 1] += 1
    assert found.looked_at == counts
    luck = [stats.norm.isf(0.5 / count) for count in counts]
    for one in found.slices:
        own = contrast(loss, one.mask, ~one.mask, None).difference
        lower = own.value - luck[len(one.conditions) - 1] * own.error
        best = max(best, (lower, one.text))
    expected = Slice((items[0].condition(0), items[1].condition(5)))
    assert best[1] == expected.text


def test_rows_within_and_without_are_compared_as_scipy_does() -> None:
    rng = np.random.default_rng(1)
    loss = np.concatenate([rng.normal(1, 3, 40), rng.normal(0, 1, 200)])
    inside = np.arange(240) < 40
    found = contrast(loss, inside, ~inside, None)
    welch = stats.ttest_ind(loss[:40], loss[40:], equal_var=False)
    assert found.difference.p_value == pytest.approx(welch.pvalue)
    assert found.difference.interval(0.95) == pytest.approx(tuple(welch.confidence_interval()))
    greater = stats.ttest_ind(loss[:40], loss[40:], equal_var=False, alternative="greater")
    assert found.difference.p_greater == pytest.approx(greater.pvalue)
    # Few rows of little spread: never surer than equal variances allow.
    calm = np.concatenate([rng.normal(1, 0.1, 40), rng.normal(0, 1, 200)])
    error = contrast(calm, inside, ~inside, None).difference.error
    together = np.sqrt((39 * calm[:40].var(ddof=1) + 199 * calm[40:].var(ddof=1)) / 238)
    assert error == pytest.approx(together * np.sqrt(1 / 40 + 1 / 200))


def test_blocks_of_one_row_change_little_and_copies_add_nothing() -> None:
    rng = np.random.default_rng(2)
    loss = rng.exponential(size=300)
    inside = rng.random(300) < 0.4
    alone = contrast(loss, inside, ~inside, None).difference
    each = contrast(loss, inside, ~inside, np.arange(300)).difference
    assert each.error == pytest.approx(alone.error, rel=0.02)
    assert each.freedom == inside.sum() - 1
    copied, within = np.tile(loss, 9), np.tile(inside, 9)
    nine = contrast(copied, within, ~within, np.tile(np.arange(300), 9)).difference
    assert nine.error == pytest.approx(each.error, rel=0.02)
    assert nine.freedom == pytest.approx(each.freedom)
    assert mean_of(copied, np.tile(np.arange(300), 9)).error == pytest.approx(
        mean_of(loss, None).error, rel=0.02
    )


@pytest.mark.parametrize(("rows", "others"), [(0, 5), (1, 5), (5, 0)])
def test_too_few_rows_prove_nothing(rows: int, others: int) -> None:
    loss = np.arange(float(rows + others))
    inside = np.arange(rows + others) < rows
    found = contrast(loss, inside, ~inside, None)
    assert (found.rows, found.rows_outside) == (rows, others)
    assert found.difference.p_value == found.difference.p_greater == 1.0
    assert found.difference.interval(0.95) is None


def test_a_loss_that_is_the_same_on_either_side() -> None:
    loss = np.repeat([1.0, 0.0], 30)
    inside = loss == 1
    found = contrast(loss, inside, ~inside, None)
    assert (found.difference.p_greater, found.difference.p_value) == (0.0, 0.0)
    assert found.effect_size is None
    assert contrast(loss, ~inside, inside, None).difference.p_greater == 1.0


def test_blocks_stay_in_one_half() -> None:
    days = blocks_of(pa.chunked_array([table(500, 3).to_arrow()["time"].combine_chunks()]), "time")
    assert (days.unit, days.count) == ("day", 60)
    drawn = halves(500, days, 0)
    for number in range(60):
        assert len(set(drawn[days.numbers == number])) == 1
    assert 200 < drawn.sum() < 300
    assert halves(11, None, 0).sum() == 5


@pytest.mark.parametrize("blocks", ["none", "auto"])
def test_of_tables_without_a_slice_few_give_one(blocks: str) -> None:
    """The promise of the correction: 1 in 20 at most; 6 of 40 would be one in a hundred."""
    wrong = sum(
        bool(case("regression", rows=900, seed=100 + 9 * at).report(blocks=blocks)["slices"])
        for at in range(40)
    )
    assert wrong <= 5
