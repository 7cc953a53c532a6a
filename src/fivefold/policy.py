"""How proposals are reviewed and models released: the section ``review`` of ``conf/``.

No stage reads it, so an edit of it makes none run again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fivefold.errors import ConfigError, nearest

__all__ = ["MODES", "RETRAIN", "SECTION", "ReviewConfig"]

SECTION = "review"
MODES = ("verify", "reproduce")
RETRAIN = ("degraded", "drifted", "always", "never")


@dataclass(frozen=True)
class ReviewConfig:
    """What a proposal must show, what a release is a release of, and when to train again.

    Attributes
    ----------
    mode : str
        ``verify``: the author ran the pipeline; its results must be current, and some stages are
        run again. ``reproduce``: what is missing is run here, and pushed.
    sample : int
        How many stages `verify` runs again, at least 0.
    tolerance : float
        By how much a number may differ when a stage is run again, relative to its size; at least 0.
        0 asks for the same bytes. Above it JSON files are compared number by number, for machines
        whose processors round differently, and the stage's other outputs are not compared.
    model : list of str
        The outputs of the pipeline that are the model: where one differs from the last version's,
        there is a new version to release.
    retrain : str
        When monitoring asks for a new model: ``degraded`` (a metric left its interval), ``drifted``
        (that, or a feature drifted), ``always``, ``never``.
    """

    mode: str = "verify"
    sample: int = 2
    tolerance: float = 0.0
    model: list[str] = field(default_factory=lambda: ["models/model.onnx", "models/model.skops"])
    retrain: str = "degraded"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("mode", self.mode, MODES),
            ("retrain", self.retrain, RETRAIN),
        ):
            if value not in allowed:
                raise ConfigError(
                    f"unknown {name}",
                    where=f"{SECTION}.{name}",
                    got=value,
                    allowed=allowed,
                    hint=nearest(value, allowed),
                )
        for name, number in (("sample", self.sample), ("tolerance", self.tolerance)):
            if not (number >= 0 and math.isfinite(number)):
                raise ConfigError(
                    "the value is out of bounds",
                    where=f"{SECTION}.{name}",
                    got=number,
                    allowed="0 or more",
                )
        if not self.model:
            raise ConfigError(
                "a model has at least one file", where=f"{SECTION}.model", got=self.model
            )
