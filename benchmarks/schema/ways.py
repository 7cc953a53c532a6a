"""One way of checking the table in a process of its own: ``python ways.py <way> <file>``.

It imports nothing of ours at the top, so that it runs in an environment that has the peer only.
Prints the seconds of the checks alone, and the process's peak memory in MB.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

INTEGERS = [f"i{at}" for at in range(8)]
NUMBERS = [f"f{at}" for at in range(5)]
TEXTS = [f"s{at}" for at in range(4)]
ALLOWED = ["EWR", "JFK", "LGA", "BOS"]
CHECKS = 2 * len(INTEGERS) + 2 * len(NUMBERS) + 2 * len(TEXTS) + 1  # the last is unique


def plain(path: str) -> Callable[[], object]:
    import polars as pl

    table = pl.read_parquet(path)

    def check() -> None:
        wanted = [pl.col("id").n_unique().alias("id")]
        for name, low, high in (
            *((i, 0, 1000) for i in INTEGERS),
            *((f, -99, 99) for f in NUMBERS),
        ):
            wanted.append((~pl.col(name).is_between(low, high)).sum().alias(name))
            wanted.append(pl.col(name).null_count().alias(f"{name} missing"))
        for name in TEXTS:
            wanted.append((~pl.col(name).is_in(ALLOWED)).sum().alias(name))
            wanted.append(pl.col(name).null_count().alias(f"{name} missing"))
        found = table.select(wanted).row(0, named=True)
        assert found.pop("id") == table.height
        assert not any(found.values())

    return check


def pandera(path: str) -> Callable[[], object]:
    import pandera.polars as pa
    import polars as pl

    table = pl.read_parquet(path)
    ranged = dict.fromkeys(INTEGERS, (pl.Int64, 0, 1000))
    ranged |= dict.fromkeys(NUMBERS, (pl.Float64, -99, 99))
    schema = pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            **{n: pa.Column(t, pa.Check.in_range(low, up)) for n, (t, low, up) in ranged.items()},
            **{name: pa.Column(pl.String, pa.Check.isin(ALLOWED)) for name in TEXTS},
        },
        strict=False,
    )
    return lambda: schema.validate(table, lazy=True)


def great_expectations(path: str) -> Callable[[], object]:
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    expect = gx.expectations
    suite = gx.ExpectationSuite("flights")
    suite.add_expectation(expect.ExpectColumnValuesToBeUnique(column="id"))
    ranged = [(name, 0, 1000) for name in INTEGERS] + [(name, -99, 99) for name in NUMBERS]
    for name, low, high in ranged:
        between = expect.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        suite.add_expectation(between)
    for name in TEXTS:
        suite.add_expectation(expect.ExpectColumnValuesToBeInSet(column=name, value_set=ALLOWED))
    for name in (*INTEGERS, *NUMBERS, *TEXTS):
        suite.add_expectation(expect.ExpectColumnValuesToNotBeNull(column=name))
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(
        batch_parameters={"dataframe": pd.read_parquet(path)}
    )

    def check() -> None:
        assert batch.validate(suite).success

    return check


def ours(path: str, engine: str) -> Callable[[], object]:
    from pathlib import Path

    from fivefold.data.validate import ValidateConfig, validate
    from fivefold.objective import Objective
    from fivefold.table import Column, scan

    columns = {
        "id": Column("integer", "identifier", unique=True),
        **{name: Column("integer", min=0, max=1000) for name in INTEGERS},
        **{name: Column("number", min=-99, max=99) for name in NUMBERS},
        **{name: Column(allowed=ALLOWED) for name in TEXTS},
        "y": Column("number", "target"),
    }
    config = ValidateConfig(columns, ["id"], engine)
    objective = Objective("benchmark", "regression", "y", "r2", ("r2",))
    table: Any = scan(Path(path), engine)
    return lambda: validate(table, {}, {}, objective, config)


def main(way: str, path: str) -> None:
    name, _, engine = way.partition(":")
    if name == "fivefold":
        check = ours(path, engine)
    else:
        ways = {"plain": plain, "pandera": pandera, "great_expectations": great_expectations}
        check = ways[name](path)
    began = time.perf_counter()
    check()
    seconds = time.perf_counter() - began
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
