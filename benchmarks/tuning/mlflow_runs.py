"""Track trials with MLflow in SQLite; run by the Python of an environment that has it.

    python mlflow_runs.py trials.csv sqlite:///runs.db

Prints the seconds that all took, creation of the database apart.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import mlflow


def main() -> None:
    trials = list(csv.DictReader(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
    mlflow.set_tracking_uri(sys.argv[2])
    mlflow.set_experiment("tuning")
    params = ("max_depth", "min_impurity_decrease", "criterion")
    metrics = [name for name in trials[0] if name.startswith("roc_auc")]
    began = time.perf_counter()
    for trial in trials:
        with mlflow.start_run():
            mlflow.log_params({name: trial[name] for name in params})
            mlflow.log_metrics({name: float(trial[name]) for name in metrics})
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
