"""The peer's side of the benchmark: run by a Python that has sliceline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sliceline.slicefinder import Slicefinder


def main() -> None:
    given = np.load(sys.argv[1])
    finder = Slicefinder(
        alpha=0.95,
        k=int(given["most"]),
        max_l=int(given["depth"]),
        min_sup=int(given["least"]),
        verbose=False,
    )
    finder.fit(given["codes"], given["loss"])
    found = [
        [None if value is None else int(value) for value in slice_]
        for slice_ in finder.top_slices_.tolist()
    ]
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
