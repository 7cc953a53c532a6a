"""The folder for what does not fit in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SPILL = """
from fivefold.table.spill import spill_path
print(spill_path(".parquet"), flush=True)
"""


def spilled(project: Path, end: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", SPILL + end],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(done.stdout.strip())


def test_what_a_killed_process_left_is_swept_by_a_later_one(tmp_path: Path) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    killed = spilled(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").parent
    living = tmp_path / f".dvc/tmp/fivefold-spill-{os.getpid()}-x"
    living.mkdir()
    assert killed.is_dir()
    assert not spilled(tmp_path, "").parent.exists()  # it ended well, and takes its own along
    assert killed.is_dir()  # too young to be surely no one's
    for folder in (killed, living):
        os.utime(folder, (0, 0))
    spilled(tmp_path, "")
    assert not killed.exists()
    assert living.is_dir()
