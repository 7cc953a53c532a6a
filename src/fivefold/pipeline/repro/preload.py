"""What a stage of ours imports, paid once: the warm process imports this, and its children fork.

Nothing here starts a thread of work; a library that can't be imported is left to the stage that
needs it, whose message says what to install.
"""

from __future__ import annotations

import contextlib
import gc
import importlib

from fivefold.pipeline.stages import STAGES

_LIBRARIES = (
    "fivefold.cli",
    "fivefold.pipeline.compose",
    "fivefold.pipeline.run",
    "pandas",
    "polars",
    "pyarrow.parquet",
    "narwhals",
    "altair",
    "pandera.polars",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "skops.io",
    "onnxruntime",
    "skl2onnx",
)

for _name in (*_LIBRARIES, *(stage.module for stage in STAGES)):
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
# A collection in a child would copy every page that it marks.
gc.collect()
gc.freeze()
