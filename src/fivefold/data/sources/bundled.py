"""The small tables that ship with scikit-learn."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pyarrow as pa

from fivefold.data.sources.content import Reading
from fivefold.errors import SourceError, nearest
from fivefold.table.rows import Rows

__all__ = ["sklearn_dataset"]

DATASETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def sklearn_dataset(name: str) -> Reading:
    """Read a table that ships with scikit-learn; its last column is ``target``.

    Column names are in lower case with underscores: "sepal length (cm)" is ``sepal_length_cm``.
    The diabetes table is as measured, not standardised. Classes are integers from 0.

    Parameters
    ----------
    name : {"breast_cancer", "diabetes", "digits", "iris", "wine"}
        Which.

    Raises
    ------
    SourceError
        The name is unknown.
    """
    if name not in DATASETS:
        raise SourceError(
            "scikit-learn ships no such table",
            where="name",
            got=name,
            allowed=DATASETS,
            hint=nearest(str(name), DATASETS),
        )
    # Imported here: two seconds that no other source should pay.
    import sklearn.datasets

    load: Any = getattr(sklearn.datasets, f"load_{name}")
    bunch = load(scaled=False) if name == "diabetes" else load()
    columns = {_snake(column): bunch.data[:, at] for at, column in enumerate(bunch.feature_names)}
    table = pa.table({**columns, "target": bunch.target})
    digest = hashlib.sha256(bunch.data.tobytes() + bunch.target.tobytes()).hexdigest()
    return Reading(Rows.of(table), f"scikit-learn/{name}", digest)


def _snake(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")
