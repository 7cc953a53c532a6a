"""What the benchmarks of the pipeline share: a baked project, and a command's wall time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["ENVIRONMENT", "bake", "timed"]

ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
}


def bake(root: Path, full: bool) -> Path:
    """Bake the example; with ``full``, without its sample."""
    from fivefold.template import create

    list(create(root, example="flights"))
    if full:
        sources = root / "conf" / "collect.yaml"
        text = sources.read_text(encoding="utf-8")
        assert "sample: 40000" in text
        sources.write_text(text.replace("sample: 40000", "sample: null"), encoding="utf-8")
    return root


def timed(folder: Path, *command: str) -> float:
    """Run a command and give its wall time in seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began
