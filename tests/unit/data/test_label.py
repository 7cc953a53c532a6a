"""The stage: labels from columns, people and rules, the same bytes on every engine."""

from __future__ import annotations

import contextlib
import importlib.resources
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold.data.label import LabelConfig, Labelled, label
from fivefold.errors import ConfigError, DataError, FivefoldError
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table import ENGINES, from_arrow, to_arrow

OURS = "fivefold.data.labelling."
MINE = f"{__name__}."

ROWS = 60
TABLE = pa.table(
    {
        "id": list(range(ROWS)),
        "n": pa.array([None if i % 9 == 0 else i % 7 for i in range(ROWS)], pa.int64()),
        "s": pa.array([["Good", "bad value", None, "so-so"][i % 4] for i in range(ROWS)]),
        "p_confidence": [0.5] * ROWS,
        "part": pa.array([i % 2 if i < 20 else None for i in range(ROWS)], pa.int64()),
    }
)


def long_of(*said: tuple[int, str, Any]) -> pa.Table:
    return pa.table({name: [row[i] for row in said] for i, name in enumerate(LONG)})


LONG = ("id", "annotator", "label")
PEOPLE = long_of(
    *((i, who, ["no", "yes"][(i + (i % skill == 0)) % 2])
      for i in range(30) for who, skill in (("ann", 11), ("bob", 6), ("cy", 3)) if (i + skill) % 5)
)  # fmt: skip
TABLES = {
    "people": PEOPLE,
    "numbers": long_of((1, "a", 2.0), (1, "b", 3.5), (2, "a", -1.0), (3, "b", 0.25), (3, "a", 0.5)),
    "wide": pa.table({"id": [3, 1, 2], "a": [1, 0, None], "b": [1, 1, None], "c": [None, 1, 0]}),
    "mended": pa.table(
        {
            "id": [1, 2, 99, 4, 5, 5, 6, 7],
            "label": ["1", "0", "1", "7", "1", "0", None, "0"],
            "was": ["1", None, None, None, None, None, None, "9"],
            "by": ["ann"] * 8,
            "why": ["seen on camera"] * 8,
        }
    ),
}


def native_rule(table, low):  # type: ignore[no-untyped-def]
    """Without an annotation a function gets the engine's own frame."""
    frame = nw.from_native(table)
    return frame.lazy().select((nw.col("n") > low).cast(nw.Int64).alias("v")).collect("pyarrow")


def narwhals_rule(table: nw.LazyFrame[Any], low: int) -> nw.Expr:
    return (nw.col("n") > low).cast(nw.Int64)


def pandas_rule(table: pd.DataFrame, word: str) -> pd.Series[Any]:
    return table["s"].map(lambda text: 1 if isinstance(text, str) and word in text else None)


def polars_rule(table: pl.DataFrame) -> pl.Series:
    return table["id"] % 2


def arrow_rule(table: pa.Table) -> list[int | None]:
    return [0 if value is None else None for value in table["s"].to_pylist()]


def short_rule(table: pa.Table) -> list[int]:
    return [1]


def broken_rule(table: pa.Table) -> list[int]:
    raise ValueError("no such thing")


RULES = {
    "many": {"_target_": OURS + "when", "expression": "n >= 4", "label": 1},
    "few": {"_target_": OURS + "when", "expression": "n < 2", "label": 0},
    "word": {"_target_": OURS + "contains", "column": "s", "words": ["GOOD"], "label": 1},
    "pandas": {"_target_": MINE + "pandas_rule", "word": "bad"},
    "arrow": {"_target_": MINE + "arrow_rule"},
}
DECLARED: dict[str, dict[str, Any]] = {
    "column": {"column": "s", "mapping": {"Good": "g", "bad value": "b", "so-so": None}},
    "column of numbers": {"column": "part", "mapping": {0: "no", 1: "yes"}},
    "column in place": {"target": "s", "column": "s", "mapping": {"Good": 2, "bad value": 0,
                                                                  "so-so": 1}},
    "expression": {"expression": "n >= 4"},
    "at least": {"expression": {"_target_": OURS + "at_least", "column": "n", "value": 4}},
    "binned": {"expression": {"_target_": OURS + "binned", "column": "n", "edges": [2, 4.5],
                              "labels": ["low", "mid", "high"]}},
    "native": {"expression": {"_target_": MINE + "native_rule", "low": 2}},
    "narwhals": {"expression": {"_target_": MINE + "narwhals_rule", "low": 2}},
    "polars": {"expression": {"_target_": MINE + "polars_rule"}},
    "keep": {"target": "part", "expression": "n > 3", "existing": "keep"},
    "replace": {"target": "part", "expression": "n > 3", "existing": "replace"},
    "majority": {"annotators": {"table": "people"}, "labels": ["no", "yes"]},
    "dawid_skene": {"annotators": {"table": "people", "consensus": "dawid_skene"},
                    "mapping": {"no": 0, "yes": 1}, "level": "ordinal"},
    "mean": {"annotators": {"table": "numbers", "consensus": "mean"}, "level": "interval"},
    "wide": {"annotators": {"table": "wide", "columns": ["a", "b", "c"], "tie": "last"}},
    "rules": {"rules": {"functions": RULES, "gold": "part"}},
    "rules by majority": {"rules": {"functions": RULES, "consensus": "majority", "tie": "first"}},
    "corrections": {"expression": "n >= 4", "corrections": {"table": "mended"}},
    "corrected rules": {"rules": {"functions": RULES}, "corrections": {"table": "mended"}},
}  # fmt: skip


def labelled(engine: str = "polars", table: pa.Table = TABLE, **declared: Any) -> Labelled:
    tables = {**TABLES, **declared.pop("tables", {})}
    values = {"key": ["id"], "target": "y", **declared, "engine": engine}
    config = typed(LabelConfig, values, "label")
    return label(
        from_arrow(table, engine), {n: from_arrow(t, engine) for n, t in tables.items()}, config
    )


def column(result: Labelled, name: str = "y") -> list[Any]:
    rows = to_arrow(result.table.frame).sort_by("id")
    return list(rows[name].to_pylist())


@pytest.mark.parametrize("name", DECLARED)
def test_a_way_of_labelling_gives_the_same_bytes_and_report_on_every_engine(
    name: str, written: Callable[..., bytes]
) -> None:
    results = [labelled(engine, **DECLARED[name]) for engine in ENGINES]
    assert len({written(result.table.frame, result.table.key) for result in results}) == 1
    assert len({json.dumps(result.report, allow_nan=False) for result in results}) == 1
    assert len({render_html(result.page) for result in results[:2]}) == 1
    assert to_arrow(results[0].table.frame).num_rows == ROWS
    assert results[0].tasks == results[0].queue == []


def test_with_nothing_declared_the_very_same_frame_is_passed_on() -> None:
    frame = from_arrow(TABLE, "polars")
    result = label(frame, {}, LabelConfig(["id"], "y"))
    assert result.table.frame is frame
    assert result.report == {"target": "y", "origin": None}
    assert len(render_html(result.page)) < 20_000


def test_with_nothing_declared_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, fivefold.data.label as m\n"
        "class F:\n  def collect_schema(self): return self\n  def names(self): return ['id']\n"
        "  implementation = property(lambda self: self)\n  def is_duckdb(self): return False\n"
        "m.label(F(), {}, m.LabelConfig(['id'], 'y'))\n"
        "print({'pandas', 'sklearn', 'scipy', 'altair', 'polars', 'duckdb', 'pandera', 'cleanlab'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_labels_of_columns_and_expressions_are_what_they_say() -> None:
    assert column(labelled(**DECLARED["column"]))[:5] == ["g", "b", None, None, "g"]
    assert column(labelled(**DECLARED["column in place"]), "s")[:5] == [2, 0, None, 1, 2]
    assert column(labelled(**DECLARED["expression"]))[:6] == [None, 0, 0, 0, 1, 1]
    assert column(labelled(**DECLARED["expression"])) == column(labelled(**DECLARED["at least"]))
    assert column(labelled(**DECLARED["binned"]))[:6] == [None, "low", "mid", "mid", "mid", "high"]
    assert column(labelled(**DECLARED["keep"]), "part")[:2] == [0, 1]
    assert column(labelled(**DECLARED["keep"]), "part")[20:23] == [1, 0, 0]
    assert column(labelled(**DECLARED["replace"]), "part")[:2] == [0, 0]


def test_people_agree_on_a_label_with_a_confidence() -> None:
    result = labelled(**DECLARED["wide"])
    assert column(result)[:5] == [None, 1, 0, 1, None]
    assert column(result, "y_confidence")[1:4] == [0.666667, 1.0, 1.0]
    found = result.report["annotators"]
    assert found["agreement"]["items_with_several"] == 2
    assert found["consensus"]["labelled"] == 3
    numbers = labelled(**DECLARED["mean"])
    assert column(numbers)[1:4] == [2.75, -1.0, 0.375]
    assert column(numbers, "y_deviation")[1:3] == [1.060660172, None]
    skilled = labelled(**DECLARED["dawid_skene"]).report["annotators"]["consensus"]
    assert skilled["confusion"]["ann"]["1"][1] > skilled["confusion"]["cy"]["1"][1]


def test_rules_are_measured_and_rows_that_none_covers_stay_without_a_label() -> None:
    result = labelled(**DECLARED["rules"])
    found = result.report["rules"]
    many = found["functions"]["many"]
    assert many["coverage"] == pytest.approx(sum((i % 7) >= 4 for i in range(60) if i % 9) / 60)
    assert many["labels"].keys() == {"1"}
    assert many["gold_rows"] == sum((i % 7) >= 4 for i in range(20) if i % 9)
    assert 0 < many["conflict"] <= many["overlap"] <= many["coverage"]
    missing = [i for i, value in enumerate(column(result)) if value is None]
    assert found["covered"] == 60 - len(missing)
    assert 3 in missing  # so-so, and 3 of anything


def test_corrections_are_applied_or_refused_with_the_reason() -> None:
    result = labelled(**DECLARED["corrections"])
    found = result.report["corrections"]
    # Row 1 was 0 and not 1 when it was corrected; 2 is 0 already.
    assert found["refused_because"] == {
        "no label is given": 1,
        "the label is no longer what was corrected": 2,
        "the label is not among those allowed": 1,
        "the row is unknown": 1,
        "two corrections of the row contradict each other": 2,
    }
    assert (found["declared"], found["changed"], found["confirmed"]) == (8, 0, 1)
    mended = pa.table({"id": [1, 4, 9], "right": [1, 0, 1], "by": ["ann", None, "bob"]})
    result = labelled(
        expression="n >= 4",
        corrections={"table": "m", "label": "right"},
        tables={"m": mended},
    )
    found = result.report["corrections"]
    assert found["changes"] == [
        {"before": "0", "after": "1", "rows": 1},
        {"before": "1", "after": "0", "rows": 1},
        {"before": "missing", "after": "1", "rows": 1},
    ]
    assert found["first_changed"][0] == {
        "id": 1, "before": 0, "after": 1, "by": "ann", "why": None,
    }  # fmt: skip
    assert [column(result)[i] for i in (1, 4, 9)] == [1, 0, 1]


def keyed_by_time() -> tuple[pa.Table, pa.Table]:
    moments = pa.array([0, 3_600_000_000], pa.timestamp("us", "UTC"))
    said = pa.table({"when": ["1970-01-01T01:00", "1970-01-01T00:00:00"], "annotator": ["a", "a"],
                     "label": [1, 0]})  # fmt: skip
    return pa.table({"at": moments, "x": [1, 2]}), said


def test_a_key_is_read_as_the_tables_type() -> None:
    table, said = keyed_by_time()
    result = labelled(
        table=table,
        key=["at"],
        annotators={"table": "said", "item": ["when"]},
        tables={"said": said},
    )
    assert to_arrow(result.table.frame).sort_by("at")["y"].to_pylist() == [0, 1]


@pytest.mark.parametrize("choice", ["none", "expression", "annotators", "rules"])
def test_the_menu_is_of_the_stages_own_options(choice: str) -> None:
    file = importlib.resources.files("fivefold") / "conf" / "label" / f"{choice}.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# @package label\n")
    values = yaml.safe_load(text.replace("functions: ???", "functions: {r: {}}"))
    config = typed(LabelConfig, {"key": ["id"], "target": "y", **_filled(values)}, "label")
    assert config.origin == (None if choice == "none" else choice)


def _filled(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _filled(value) for name, value in values.items()}
    return "x" if values == "???" else values


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from(["x", "y", "", "z", None]),
        ),
        max_size=14,
    ),
    consensus=st.sampled_from(["majority", "dawid_skene"]),
    level=st.sampled_from(["nominal", "ordinal"]),
    repeated=st.sampled_from(["error", "first", "last"]),
)
def test_any_annotations_are_labels_or_a_message(
    said: list[tuple[Any, ...]], consensus: str, level: str, repeated: str
) -> None:
    types = [pa.int64(), pa.string(), pa.string()]
    table = pa.table({n: pa.array([row[i] for row in said], types[i]) for i, n in enumerate(LONG)})
    declared = {"table": "t", "consensus": consensus, "repeated": repeated}
    with contextlib.suppress(FivefoldError):
        result = labelled(annotators=declared, tables={"t": table}, level=level)
        json.dumps(result.report, allow_nan=False)
        assert set(column(result)) <= {"x", "y", "", "z", None}


TWICE = long_of((1, "a", 0), (1, "a", 1), (2, "b", 1), (2, "b", 1))


def test_what_one_says_twice_counts_as_declared() -> None:
    for how, value in (("first", 0), ("last", 1)):
        result = labelled(annotators={"table": "t", "repeated": how}, tables={"t": TWICE})
        assert column(result)[1:3] == [value, 1]
        assert result.report["annotators"]["repeated"] == 2


@pytest.mark.parametrize(
    ("declared", "said", "words"),
    [
        ({}, TWICE, ["twice, and differently (1 times)", "a on id=1", "repeated: first or last"]),
        ({}, long_of((1, "a", 0), (777, "b", 1)), ["not in the table", "id=777", "unknown: drop"]),
        ({"labels": [0, 1]}, long_of((1, "a", 0), (2, "b", 5)), ["not among the labels", "got:"]),
        ({}, long_of((1, "a", None)), ["there is no annotation"]),
        (
            {},
            long_of((1, "a", 0)).rename_columns(["id", "who", "label"]),
            ["no column 'annotator'"],
        ),
        ({"mapping": {"0": "no"}}, long_of((1, "a", 0), (1, "b", 1)), ["no entry in the mapping"]),
        ({"level": "interval"}, TWICE, ["the consensus and the level"]),
    ],
)
def test_annotations_that_are_not_as_declared_are_one_message(
    declared: dict[str, Any], said: pa.Table, words: list[str]
) -> None:
    with pytest.raises(FivefoldError) as caught:
        labelled(annotators={"table": "t"}, tables={"t": said}, **declared)
    for word in words:
        assert word in str(caught.value)


def test_odd_annotations_are_labels_all_the_same() -> None:
    apart = labelled(
        annotators={"table": "t", "unknown": "drop"},
        tables={"t": long_of((1, "a", 0), (2, "b", 1), (777, "b", 1))},
    )
    assert column(apart)[1:3] == [0, 1]
    assert apart.report["annotators"]["unknown_items"] == 1
    assert apart.report["annotators"]["agreement"]["items_with_several"] == 0
    alone = labelled(annotators={"table": "t"}, tables={"t": long_of((1, "a", "x"), (2, "a", "x"))})
    assert alone.report["classes"] == {"x": 2}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"expression": "n >= 4", "column": "s"}, ["more than one place"]),
        ({"expression": "n > 4", "target": "n"}, ["the column 'n' already", "keep, replace"]),
        ({"expression": "n is None", "existing": "keep", "target": "s"}, ["not of the type"]),
        ({"expression": 3}, ["neither a text nor a function"]),
        ({"expression": {"_target_": OURS + "at_leest", "column": "n"}}, ["at_least"]),
        ({"expression": {"_target_": MINE + "short_rule"}}, ["a column of 60 values", "length 1"]),
        ({"expression": {"_target_": MINE + "broken_rule"}}, ["raised ValueError: no such thing"]),
        ({"column": "s", "labels": ["Good", "Bad"]}, ["2 values are not among", "bad value"]),
        ({"column": "ss"}, ["no column 'ss'", "did you mean 's'?"]),
        ({"expression": "n > 100 and n < 0 and s is None", "labels": [1]}, ["not among"]),
        ({"annotators": {"table": "peeple"}}, ["no table 'peeple'", "did you mean 'people'?"]),
        ({"annotators": {"table": "people", "tie": "fist"}}, ["did you mean 'first'?"]),
        ({"corrections": {"table": "mended"}}, ["no column 'y'"]),
        ({"rules": {"functions": {}}}, ["no rule is declared"]),
        ({"rules": {"functions": {"r": RULES["word"] | {"words": ["zz"]}}}}, ["rule abstains"]),
        ({"rules": {"functions": {"r": {"_target_": OURS + "when", "expression": "n + 1",
                                        "label": 1}}}}, ["a rule needs a condition"]),
        ({"column": "s", "mapping": {"Good": None, "bad value": None, "so-so": None}},
         ["the mapping drops every value"]),
        ({"annotators": {"table": "people"}, "target": "p"}, ["has the column 'p_confidence'"]),
        ({"annotators": {"tabel": "x"}}, ["did you mean 'table'?"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message(declared: dict[str, Any], words: list[str]) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        labelled(**declared)
    for word in words:
        assert word in str(caught.value), str(caught.value)
