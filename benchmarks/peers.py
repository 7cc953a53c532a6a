"""Environments of their own for peers that can't be, or had better not be, installed beside us."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["peer_environment"]


def peer_environment(package: str, *more: str) -> Path:
    """Make an environment in the user's cache folder, or find it made, and give its Python.

    Parameters
    ----------
    package : str
        The peer with its version, ``name==1.2.3``; the environment has its name.
    *more : str
        What else it needs there.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "fivefold-benchmarks" / package.replace("==", "-")
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        print(f"installing {package} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", package, *more], check=False
        )
        if installed.returncode:
            sys.exit(f"{package} can't be installed here: see pip's message above")
        done.touch()
    return python
