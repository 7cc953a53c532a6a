"""The costliest rows, the confusions, the columns and the flaws of the data."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fivefold.errors import ConfigError
from fivefold.model.decision import Costs
from fivefold.model.diagnosing.by_feature import explained
from fivefold.report import render_markdown

from .error_examples import case

DL = pl.col("carrier") == "DL"


def test_the_costliest_rows_come_with_what_is_known_of_them() -> None:
    given = case("regression", DL)
    costly = given.report(rows=5)["costly"]
    error = (given.test["target"] - given.predictions["predicted"]).abs()
    worst = error.arg_sort(descending=True).to_list()[:5]
    assert [row["key"] for row in costly["rows"]] == [{"id": at} for at in worst]
    first, at = costly["rows"][0], worst[0]
    assert first["loss"] == error[at]
    assert first["target"] == given.test["target"][at]
    assert first["predicted"] == given.predictions["predicted"][at]
    assert first["score"] is first["cost"] is None
    names = ["hour", "wind", "origin", "holiday", "flat"]
    assert first["features"] == given.test.select(names).row(at, named=True)
    assert costly["ranked_by"] == "loss"
    top = error.sort(descending=True).head(30).sum() / error.sum()
    assert costly["top_share"] == pytest.approx(top)


def test_declared_costs_rank_the_rows() -> None:
    given = case("binary", DL)
    told = given.report(costs=Costs(false_negative=5.0), rows=3000)["costly"]
    true = given.test["target"].to_numpy()
    said = given.predictions["predicted"].to_numpy()
    cost = 5 * (true & ~said) + (~true & said)
    assert told["ranked_by"] == "cost"
    assert told["total_cost"] == cost.sum()
    assert told["mean_cost"] == pytest.approx(cost.mean())
    assert [row["cost"] for row in told["rows"]] == sorted(cost.tolist(), reverse=True)
    losses = [row["loss"] for row in told["rows"] if row["cost"] == 5]
    assert losses == sorted(losses, reverse=True)
    right = Costs(true_positive=-1.0, false_negative=4.0, true_negative=-1.0, false_positive=0.0)
    assert given.report(costs=right)["costly"]["total_cost"] == cost.sum()
    page = given.diagnosed(costs=Costs(false_negative=5.0)).page
    assert "Ranked by their cost" in render_markdown(page)


def test_a_matrix_of_costs() -> None:
    given = case("multiclass", DL)
    told = given.report(cost_matrix={"late": {"on time": 7.0}})["costly"]
    pairs = zip(given.test["target"], given.predictions["predicted"], strict=True)
    counted = Counter(pair for pair in pairs if pair[0] != pair[1])
    extra = 6 * counted["late", "on time"]
    assert told["total_cost"] == sum(counted.values()) + extra
    assert told["rows"][0]["target"] == "late"
    with pytest.raises(ConfigError, match="on time"):
        given.report(cost_matrix={"late": {"on tme": 7.0}})
    with pytest.raises(ConfigError, match="cost_matrix"):
        given.report(costs=Costs())


def test_confusions_and_what_they_have_in_common() -> None:
    given = case("multiclass", DL)
    found = given.report()["confusions"]
    pairs = list(zip(given.test["target"], given.predictions["predicted"], strict=True))
    counted = Counter(pair for pair in pairs if pair[0] != pair[1])
    assert [(one["true"], one["predicted"]) for one in found] == [
        pair for pair, _ in sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))
    ]
    first = found[0]
    assert first["rows"] == max(counted.values())
    assert first["share"] == first["rows"] / 3000
    assert first["share_of_errors"] == first["rows"] / sum(counted.values())
    of_class = sum(true == first["true"] for true, _ in pairs)
    assert first["share_of_class"] == first["rows"] / of_class
    assert first["condition"]["text"] == "carrier = DL"
    assert first["condition"]["rate"] > 0.5 > first["condition"]["rate_outside"]
    assert all(
        one["condition"] is None for one in case("multiclass", seed=13).report()["confusions"]
    )
    assert case("regression").report()["confusions"] is None


def test_the_column_that_tells_comes_first() -> None:
    given = case("regression", DL)
    report = given.report()
    first = report["features"][0]
    assert (first["feature"], first["column"], first["part"]) == ("carrier", "carrier", None)
    error = (given.test["target"] - given.predictions["predicted"]).abs()
    by_hand = given.test.select("carrier", error=error).group_by("carrier").mean()
    means = {one["bin"]: one["loss"]["mean"] for one in first["bins"]}
    assert means == pytest.approx(dict(by_hand.iter_rows()))
    assert sum(one["rows"] for one in first["bins"]) == 3000
    for one in first["bins"]:
        assert one["loss"]["low"] < one["loss"]["mean"] < one["loss"]["high"]
    shares = [max(one["explained"], one["explained_residual"]) for one in report["features"]]
    assert shares == sorted(shares, reverse=True)
    assert {one["feature"] for one in report["features"]} > {
        "hour", "weekday of time", "hour of time (UTC)",
    }  # fmt: skip


def test_a_bias_without_a_loss_is_seen_in_the_residuals() -> None:
    given = case("regression")
    shift = np.where(given.test["carrier"].to_numpy() == "DL", 0.5, -0.25)
    shifted = given.predictions["predicted"].to_numpy() - shift
    first = given.altered(predicted=shifted).report()["features"][0]
    assert first["feature"] == "carrier"
    assert first["explained_residual"] > 10 * first["explained"]
    means = {one["bin"]: one["residual"]["mean"] for one in first["bins"]}
    assert means["DL"] == pytest.approx(0.5, abs=0.1)


def test_of_chance_nothing_is_explained() -> None:
    rng = np.random.default_rng(0)
    shares = [explained(rng.normal(size=500), rng.integers(0, 25, 500)) for _ in range(50)]
    assert np.mean(shares) < 0.01
    codes = np.repeat([0, 1], 250)
    assert explained(codes + rng.normal(size=500), codes) == pytest.approx(0.2, abs=0.06)
    assert explained(np.ones(500), codes) == explained(rng.normal(size=500), codes * 0) == 0


def test_a_flaw_that_costs_is_told_and_one_that_does_not_is_not() -> None:
    report = case("regression", pl.col("wind").is_null()).report()
    items = {(one["kind"], *one["columns"]): one for one in report["quality"]["items"]}
    wind, origin = items["missing", "wind"], items["missing", "origin"]
    assert wind["significant"]
    assert wind["low"] > 0
    assert wind["loss"] - wind["loss_without"] == pytest.approx(wind["difference"])
    assert not origin["significant"]
    assert ("missing", "hour") not in items
    by_count = report["quality"]["counts"]["missing"]
    assert [one["features"] for one in by_count] == [0, 1, 2]
    assert sum(one["rows"] for one in by_count) == 3000
    assert report["quality"]["items"][0]["significant"]
    assert report["quality"]["tested"] == sum(
        one["p_value"] is not None for one in report["quality"]["items"]
    )


def test_values_beyond_training_and_categories_that_it_never_saw() -> None:
    given = case("regression")
    wind, origin = given.test["wind"].to_numpy().copy(), given.test["origin"].to_list()
    wind[:100] = 99.0
    origin[100:130] = ["LGA"] * 30
    test = given.test.with_columns(wind=pl.Series(wind), origin=pl.Series(origin))
    value = given.predictions["predicted"].to_numpy().copy()
    value[:130] += 9
    report = replace(given, test=test).altered(predicted=value).report(blocks="none")
    items = {(one["kind"], *one["columns"]): one for one in report["quality"]["items"]}
    assert items["outlying", "wind"]["significant"]
    assert items["outlying", "wind"]["rows"] >= 100
    assert items["unseen", "origin"]["rows"] == 30
    assert items["unseen", "origin"]["significant"]
    assert ("unseen",) not in items
