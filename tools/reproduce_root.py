"""Run the root's own pipeline anew and print where a result differs from the committed one.

Another processor may differ in a last digit: what differs is printed with how much, and only a
pipeline that fails makes this fail.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fivefold.errors import FivefoldError
from fivefold.pipeline.verify import verify

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Verify HEAD in a clean clone and print the differences."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = verify(ROOT, keep=Path(folder), say=print)
        except FivefoldError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        if result.same:
            print(f"{result.revision[:10]}: dvc.lock is the same, byte for byte")
            return 0
        print(f"{result.revision[:10]}: dvc.lock differs in {len(result.differences)} places")
        for line in result.differences:
            print(f"  {line}")
        for path in sorted((Path(folder) / "clone" / "metrics").glob("*.json")):
            if path.name != "profile.json":
                for line in numbers(path):
                    print(f"  {line}")
    return 0


def numbers(path: Path) -> Iterator[str]:
    """Word the numbers of a metrics file that differ from the committed ones."""
    name = f"metrics/{path.name}"
    shown = subprocess.run(
        ["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    old, new = dict(flat(json.loads(shown.stdout))), dict(flat(json.loads(path.read_text())))
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            there, here = old.get(key), new.get(key)
            yield f"{name}: {key}: {there} committed, {here} here{distance(there, here)}"


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give nested values by their dotted names."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def distance(old: Any, new: Any) -> str:
    """Word how far two numbers are apart, relative to the larger one."""
    if not all(isinstance(item, int | float) and math.isfinite(item) for item in (old, new)):
        return ""
    return f" (relative {abs(old - new) / max(abs(old), abs(new), 1e-300):.1e})"


if __name__ == "__main__":
    sys.exit(main())
