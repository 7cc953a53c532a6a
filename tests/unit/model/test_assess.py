"""Bias: every number against fairlearn, intervals against a bootstrap of the rows, hard tables."""

from __future__ import annotations

import datetime
import json
import math
import subprocess
import sys
import time
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from fivefold.errors import ConfigError, DataError, PlanError
from fivefold.fairness import FAIRNESS
from fivefold.model.assess import AssessConfig, Assessed, assess
from fivefold.model.disparity import (
    Counted,
    Means,
    aggregates,
    named_difference,
    rates,
    resampled_counts,
    wilson,
)
from fivefold.model.groups import group_rows
from fivefold.objective import Objective
from fivefold.report import render_html
from fivefold.table import Column, TableSchema

DP = "demographic_parity_difference"


def table(task: str = "binary", n: int = 3000, seed: int = 5) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male"], n)
    region = rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2])
    signal = rng.normal(size=n) + 0.4 * (sex == "male")
    frame: dict[str, Any] = {
        "id": np.arange(n),
        "sex": sex,
        "region": region,
        "age": rng.integers(18, 90, n),
    }
    noisy = signal + rng.normal(size=n) * np.where(region == "east", 2.0, 1.0)
    if task == "binary":
        score = 1 / (1 + np.exp(-1.5 * signal))
        frame |= {"y": noisy > 0, "score": score, "predicted": score >= 0.5}
    elif task == "multiclass":
        names = np.array(["high", "low", "mid"])
        scores = np.stack([signal, -signal, -np.abs(signal)], axis=1)
        scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        y = names[np.where(noisy > 0.7, 0, np.where(noisy < -0.7, 1, 2))]
        frame |= {"y": y, **{f"score_{k}": scores[:, i] for i, k in enumerate(names)}}
        frame["predicted"] = names[scores.argmax(axis=1)]
    else:
        frame |= {"y": noisy, "predicted": signal}
    return pl.DataFrame(frame)


def schema_of(frame: pl.DataFrame, *sensitive: str) -> TableSchema:
    kinds = {pl.Int64: "integer", pl.Float64: "number", pl.Boolean: "boolean", pl.Date: "date"}
    columns = {}
    for name, dtype in frame.schema.items():
        if name == "predicted" or name.startswith("score"):
            continue
        role = {"id": "identifier", "y": "target"}.get(name, "feature")
        role = "sensitive" if name in sensitive else role
        columns[name] = Column(kinds.get(type(dtype), "string"), role=role, nullable=True)
    return TableSchema(columns)


def assessed(
    frame: pl.DataFrame, *sensitive: str, task: str = "binary", **options: Any
) -> Assessed:
    metric = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}[task]
    objective = Objective("test", task, "y", metric, (metric,))  # type: ignore[arg-type]
    scored = [name for name in frame.columns if name.startswith("score")]
    found = assess(
        nw.from_native(frame.select("id", "y", *scored, "predicted").lazy()),
        nw.from_native(frame.drop([*scored, "predicted"]).lazy()),
        schema_of(frame, *sensitive),
        objective,
        AssessConfig(key=["id"], **options),
    )
    json.dumps([found.metrics, found.report], allow_nan=False)
    render_html(found.page)
    return found


class TestAgainstFairlearn:
    def test_every_aggregate_of_two_classes(self) -> None:
        fairlearn = pytest.importorskip("fairlearn.metrics")
        from sklearn.metrics import accuracy_score, precision_score

        frame = table()
        found = assessed(frame, "sex", "region").report["columns"]
        y, label = frame["y"].to_numpy(), frame["predicted"].to_numpy()
        measures = {
            "accuracy_score": accuracy_score,
            "precision_score": precision_score,
            **{
                name: getattr(fairlearn, name)
                for name in (
                    "selection_rate",
                    "true_positive_rate",
                    "false_positive_rate",
                    "false_negative_rate",
                    "true_negative_rate",
                )
            },
        }
        for attribute in ("sex", "region", "sex, region"):
            groups = frame.select(attribute.split(", ")).to_pandas()
            theirs = fairlearn.MetricFrame(
                metrics=measures, y_true=y, y_pred=label, sensitive_features=groups
            )
            ours = found[attribute]["aggregates"]
            for name in measures:
                for word, value in (
                    ("difference", theirs.difference()[name]),
                    ("ratio", theirs.ratio()[name]),
                    ("group_min", theirs.group_min()[name]),
                    ("group_max", theirs.group_max()[name]),
                ):
                    if f"{name}_{word}" in FAIRNESS:
                        assert ours[f"{name}_{word}"]["value"] == pytest.approx(value)
            for name in ("demographic_parity", "equalized_odds", "equal_opportunity"):
                for word in ("difference", "ratio"):
                    value = getattr(fairlearn, f"{name}_{word}")(
                        y, label, sensitive_features=groups
                    )
                    assert ours[f"{name}_{word}"]["value"] == pytest.approx(value)
            per_group = {tuple(g["group"]): g["measures"] for g in found[attribute]["groups"]}
            for group, row in theirs.by_group.iterrows():
                key = group if isinstance(group, tuple) else (group,)
                for name in measures:
                    assert per_group[key][name][0]["value"] == pytest.approx(row[name])

    def test_regression(self) -> None:
        fairlearn = pytest.importorskip("fairlearn.metrics")
        from sklearn.metrics import mean_absolute_error

        frame = table("regression")
        found = assessed(frame, "region", task="regression").report["columns"]["region"]
        theirs = fairlearn.MetricFrame(
            metrics={"m": mean_absolute_error, "p": fairlearn.mean_prediction},
            y_true=frame["y"].to_numpy(),
            y_pred=frame["predicted"].to_numpy(),
            sensitive_features=frame["region"].to_numpy(),
        )
        ours = found["aggregates"]
        for name, value in (
            ("mean_absolute_error_difference", theirs.difference()["m"]),
            ("mean_absolute_error_ratio", theirs.ratio()["m"]),
            ("mean_absolute_error_group_max", theirs.group_max()["m"]),
            ("mean_prediction_difference", theirs.difference()["p"]),
        ):
            assert ours[name]["value"] == pytest.approx(value)
            assert ours[name]["low"] <= ours[name]["value"] <= ours[name]["high"]

    def test_of_many_classes_the_worst_against_the_rest(self) -> None:
        fairlearn = pytest.importorskip("fairlearn.metrics")
        frame = table("multiclass")
        found = assessed(frame, "sex", task="multiclass").report["columns"]["sex"]["aggregates"]
        for name in (DP, "equalized_odds_difference"):
            values = [
                getattr(fairlearn, name)(
                    frame["y"].to_numpy() == cls,
                    frame["predicted"].to_numpy() == cls,
                    sensitive_features=frame["sex"].to_numpy(),
                )
                for cls in ("high", "low", "mid")
            ]
            assert found[name]["value"] == pytest.approx(max(values))


class TestIntervals:
    def test_counts_are_drawn_as_rows_are(self) -> None:
        frame = table()
        counts, resampled = cells_of(frame)
        rng = np.random.default_rng(1)
        by_rows = np.stack(
            [cells_of(frame[rng.integers(0, len(frame), len(frame))])[0] for _ in range(400)]
        )
        for name in ("demographic_parity", "equalized_odds", "accuracy_score"):
            ours, theirs = (
                np.quantile(named_difference(name, drawn, binary=True), [0.025, 0.5, 0.975])
                for drawn in (resampled, by_rows)
            )
            np.testing.assert_allclose(ours, theirs, atol=0.012)
        ends = []
        for drawn in (resampled, by_rows):
            counted = Counted(rates(counts, binary=True), rates(drawn, binary=True))
            every = np.ones(len(counts), dtype=bool)
            found = aggregates(counted, Means({}, {}), every, 0.95)
            ends.append([(a.low, a.high) for a in found.values()])
        np.testing.assert_allclose(ends[0], ends[1], atol=0.05)
        np.testing.assert_allclose(np.ravel(ends[0]).mean(), np.ravel(ends[1]).mean(), atol=0.01)

    def test_alike_groups_are_not_told_apart(self) -> None:
        # The quantiles of resamples, as fairlearn gives them, leave the truth out every time.
        rng = np.random.default_rng(2)
        kept = below = 0
        for _ in range(60):
            counts = rng.multinomial(400, [0.3, 0.2, 0.2, 0.3], size=6).reshape(6, 2, 2)
            drawn = resampled_counts(counts, 300, rng)
            counted = Counted(rates(counts, binary=True), rates(drawn, binary=True))
            found = aggregates(counted, Means({}, {}), np.ones(6, dtype=bool), 0.95)[DP]
            assert found.low is not None
            assert found.percentiles is not None
            kept += found.low == 0
            below += found.percentiles[0] <= 0
        assert kept >= 52
        assert below == 0

    def test_equal_seeds_give_equal_intervals(self) -> None:
        frame = table(n=600)
        first, second, other = (assessed(frame, "sex", seed=seed).metrics for seed in (1, 1, 2))
        assert first == second
        assert first["interval"] != other["interval"]

    def test_a_share_of_none_still_has_an_interval(self) -> None:
        low, high = wilson(np.array([0, 10, 0]), np.array([10, 10, 0]), 0.95)
        assert (low[0], high[1]) == (0, 1)
        assert 0.2 < high[0] < 0.35
        assert 0.65 < low[1] < 0.8
        assert math.isnan(low[2])

    def test_a_thousand_resamples_take_no_time(self) -> None:
        counts = np.full((12, 2, 2), 2000)
        began = time.process_time()
        drawn = resampled_counts(counts, 1000, np.random.default_rng(0))
        named_difference("equalized_odds", drawn, binary=True)
        assert time.process_time() - began < 0.5


def cells_of(frame: pl.DataFrame) -> tuple[Any, Any]:
    codes = frame["region"].to_numpy() == np.array([["east"], ["north"], ["south"]])
    flat = codes.argmax(axis=0) * 4 + frame["y"].to_numpy() * 2 + frame["predicted"].to_numpy()
    counts = np.bincount(flat, minlength=12).reshape(3, 2, 2)
    return counts, resampled_counts(counts, 2000, np.random.default_rng(3))


class TestLimits:
    def test_they_are_judged_and_shown(self) -> None:
        limits = {
            "sex": {DP: {"max": 0.01}, "accuracy_score_ratio": {"min": 0.5}},
            "region, sex": {"true_negative_rate_difference": {"max": 0.9}},
        }
        found = assessed(table(), "sex", "region", limits=limits)
        states = {(item["attribute"], item["metric"]): item for item in found.report["limits"]}
        assert states["sex", DP]["state"] == "broken"
        assert states["sex", DP]["decided"]
        assert states["sex", "accuracy_score_ratio"]["state"] == "kept"
        # What is limited goes into the metrics, under the name that the plan gave it.
        assert "region, sex.true_negative_rate_difference" in found.metrics
        assert "sex, region.true_negative_rate_difference" not in found.metrics
        assert found.metrics["interval"][f"sex.{DP}"]["low"] > 0.01
        assert "A limit of the plan is broken" in found.page.lead
        assert "not at most" in render_html(found.page)

    def test_few_rows_don_t_decide(self) -> None:
        found = assessed(table(n=300), "sex", limits={"sex": {DP: {"max": 0.15}}})
        (limit,) = found.report["limits"]
        assert not limit["decided"]
        assert "so few rows" in render_html(found.page)

    def test_a_column_that_nobody_calls_sensitive_is_compared_all_the_same(self) -> None:
        found = assessed(table(), limits={"region": {DP: {"max": 0.5}}})
        assert list(found.report["columns"]) == ["region"]

    def test_mistakes(self) -> None:
        with pytest.raises(DataError) as caught:
            assessed(table(), limits={"gender": {DP: {"max": 0.5}}})
        assert caught.value.where == "plan.fairness"
        with pytest.raises(DataError, match="rgion"):
            assessed(table(), columns=["rgion"])
        with pytest.raises(PlanError, match="does not fit the task"):
            assessed(table("regression"), task="regression", limits={"sex": {DP: {"max": 0.5}}})
        for options in ({"order": 4}, {"bins": 1}, {"resamples": 1}, {"edges": {"age": [3, 2]}}):
            with pytest.raises(ConfigError):
                AssessConfig(**options)  # type: ignore[arg-type]


class TestHardTables:
    def test_no_sensitive_column(self) -> None:
        found = assessed(table())
        assert found.metrics == {}
        assert "role: sensitive" in render_html(found.page)

    def test_a_group_of_one_row_is_left_out_and_told(self) -> None:
        frame = table()
        sex = ["other", *frame["sex"].to_list()[1:]]
        found = assessed(frame.with_columns(sex=pl.Series(sex)), "sex")
        item = found.report["columns"]["sex"]
        assert [group["small"] for group in item["groups"]] == [False, False, True]
        assert item["aggregates"][DP]["groups"] == 2
        assert item["aggregates"][DP]["all_groups"] != item["aggregates"][DP]["value"]
        assert "too small to judge" in render_html(found.page)

    def test_every_group_is_too_small(self) -> None:
        limits = {"sex": {DP: {"max": 0.1}}}
        found = assessed(table(n=60), "sex", limits=limits)
        assert found.metrics[f"sex.{DP}"] is None
        assert found.report["limits"][0]["state"] == "undefined"
        html = render_html(found.page)
        assert "nothing to compare" in html
        assert "can&#39;t be judged" in html or "can't be judged" in html

    @pytest.mark.parametrize("dtype", [pl.String, pl.Null, pl.Float64])
    def test_a_column_without_any_value(self, dtype: Any) -> None:
        frame = table().with_columns(sex=pl.lit(None, dtype=dtype))
        found = assessed(frame, "sex")
        assert [g["group"] for g in found.report["columns"]["sex"]["groups"]] == [[None]]
        assert found.metrics[f"sex.{DP}"] is None

    def test_missing_values_are_a_group(self) -> None:
        frame = table().with_columns(
            sex=pl.when(pl.col("id") % 3 == 0).then(None).otherwise(pl.col("sex"))
        )
        groups = assessed(frame, "sex").report["columns"]["sex"]["groups"]
        assert [group["group"] for group in groups] == [["female"], ["male"], [None]]

    def test_a_group_of_one_class_has_no_rate_for_the_other(self) -> None:
        frame = table().with_columns(y=pl.col("y") & (pl.col("region") != "east"))
        found = assessed(frame, "region")
        item = found.report["columns"]["region"]
        assert item["undefined"] == {
            "true_positive_rate": [["east"]],
            "false_negative_rate": [["east"]],
        }
        assert item["aggregates"]["equal_opportunity_difference"]["groups"] == 2
        assert item["aggregates"][DP]["groups"] == 3

    def test_many_groups_are_cut_to_the_largest(self) -> None:
        frame = table().with_columns(region=(pl.col("id") % 70).cast(pl.String))
        item = assessed(frame, "region", min_group_rows=10).report["columns"]["region"]
        assert len(item["groups"]) == 30
        assert item["left_out"]["groups"] == 40

    def test_many_classes_are_compared_by_the_commonest(self) -> None:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 25, 4000)
        frame = (
            table(n=4000)
            .drop("score")
            .with_columns(
                y=pl.Series(y), predicted=pl.Series(np.where(rng.random(4000) < 0.6, y, 3))
            )
        )
        found = assessed(frame, "sex", task="multiclass")
        (group, _) = found.report["columns"]["sex"]["groups"]
        assert len(group["measures"]["true_positive_rate"]) == 10
        shown = frame.filter(pl.col("sex") == "female")
        accuracy = (shown["y"] == shown["predicted"]).mean()
        assert group["measures"]["accuracy_score"][0]["value"] == pytest.approx(accuracy)

    def test_without_probabilities_there_is_no_calibration_gap(self) -> None:
        found = assessed(table().drop("score"), "sex")
        assert "sex.calibration_gap_difference" not in found.metrics

    def test_intersections_up_to_the_order(self) -> None:
        frame = table()
        names = [
            list(assessed(frame, "sex", "region", "age", order=k).report["columns"])
            for k in (1, 2, 3)
        ]
        assert [len(found) for found in names] == [3, 6, 7]
        assert names[2][-1] == "sex, region, age"


class TestGroups:
    def group(self, *values: Any, dtype: Any = None, **options: Any) -> Any:
        frame = nw.from_native(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}).lazy())
        return group_rows(frame, "x", **{"bins": 2, **options})

    def test_few_numbers_stay_and_many_are_cut_at_quantiles(self) -> None:
        assert self.group(3, 1, None).groups == (("1",), ("3",), (None,))
        found = self.group(*range(20), None)
        assert found.groups == (("up to 9",), ("above 9",), (None,))
        assert found.counts.tolist() == [10, 10, 1]

    def test_edges_are_the_user_s(self) -> None:
        found = self.group(17, 18, 64, 65, 80, edges=[17, 64])
        assert found.groups == (("up to 17",), ("17 to 64",), ("above 64",))
        assert found.counts.tolist() == [1, 2, 2]

    def test_dates_and_truth(self) -> None:
        days = [datetime.date(2000, 1, 1) + datetime.timedelta(days=d) for d in range(12)]
        assert self.group(*days).groups[0] == ("up to 2000-01-06",)
        assert self.group(True, False).groups == (("no",), ("yes",))

    def test_a_lonely_value_beside_many(self) -> None:
        found = self.group(*[5.0] * 100, *range(11), dtype=pl.Float64)
        assert sum(found.counts) == 111


def test_the_stage_imports_nothing_heavy() -> None:
    code = (
        "import sys, fivefold.model.assess, fivefold.model.mitigation, fivefold.fairness;"
        "heavy = {'sklearn', 'pandas', 'altair', 'scipy', 'fairlearn'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
