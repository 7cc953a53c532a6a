"""Our side: the stages select, tune and train with one time budget, and the test part predicted.

python ours.py FOLDER OUT.npz SECONDS SEED
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from omegaconf import OmegaConf

import fivefold
from fivefold.features import feature_frame, target_array
from fivefold.model.candidate import Candidate
from fivefold.model.select import SelectConfig, select
from fivefold.model.train import TrainConfig, train
from fivefold.model.tune import Budget, TuneConfig, tune
from fivefold.objective import Objective
from fivefold.scoring import predict
from fivefold.table import TableSchema

MENU = Path(fivefold.__file__).parent / "conf" / "model"
CANDIDATES = ("linear", "extra_trees", "forest", "boosting", "lightgbm", "svm")
# The share of the budget that choosing among the candidates may take.
CHOOSING = 0.4


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    seconds, seed = float(sys.argv[3]), int(sys.argv[4])
    known = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    schema, objective = (
        TableSchema.from_json(known["schema"]),
        Objective.from_json(known["objective"]),
    )
    parts = {
        name: nw.from_native(pl.read_parquet(folder / f"{name}.parquet").lazy())
        for name in ("train", "test")
    }
    began = time.perf_counter()
    task = objective.task
    menu = {name: candidate(name).for_task(task) for name in CANDIDATES}
    if schema.categorical_features or parts["train"].select(nw.len()).collect().item() > 5000:
        del menu["svm"]  # its time grows with the square of the rows
    chosen = select(
        parts["train"], schema, objective, SelectConfig(candidates=menu, folds=5, seed=seed)
    )
    left = seconds - (time.perf_counter() - began)
    tuned = tune(
        parts["train"],
        schema,
        objective,
        chosen.selection,
        TuneConfig(
            candidate=Candidate("selected"),
            budget=Budget(trials=10_000, seconds=max(left, 1.0)),
            task=task,
            seed=seed,
        ),
    )
    model = train(
        parts["train"], schema, objective, tuned.tuning, TrainConfig(task=task, seed=seed)
    )
    took = time.perf_counter() - began
    y = target_array(parts["test"], schema, objective)
    p = predict(model.estimator, feature_frame(parts["test"], schema), y, objective)
    score: Any = p.value if p.value is not None else p.score
    classes = np.array([]) if p.classes is None else np.asarray(p.classes)
    np.savez(out, score=score, classes=classes, seconds=took, best=np.array(tuned.tuning["model"]))


def candidate(name: str) -> Candidate:
    """Read an entry of the menu."""
    given = OmegaConf.to_object(OmegaConf.load(MENU / f"{name}.yaml"))
    assert isinstance(given, dict)
    return Candidate(**{str(key): value for key, value in given.items()})


if __name__ == "__main__":
    main()
