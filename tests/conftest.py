"""Every test runs as a user with an empty home, so that it passes on any machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home, no Git or DVC configuration of the machine's, this environment's commands."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    for who in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{who}_NAME", "Ada Lovelace")
        patch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    patch.setenv("DVC_NO_ANALYTICS", "1")
    patch.setenv("DVC_GLOBAL_CONFIG_DIR", str(home / "dvc"))
    patch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / "dvc-system"))
    patch.setenv("DVC_SITE_CACHE_DIR", str(home / "dvc-site"))
    patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    # Tests start Python often; compiled modules are kept.
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    subprocess.run(["git", "config", "--global", "init.defaultBranch", "main"], check=True)
    yield
    patch.undo()
