"""Projects that were baked and run for real; each test gets a copy of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from fivefold.template import create

# What runs where another model is chosen.
AFTER_SELECT = {
    "tune",
    "train",
    "evaluate",
    "diagnose",
    "assess",
    "explain",
    "document",
    "export",
    "monitor",
}


@dataclass(frozen=True)
class Project:
    """A baked project and the commands a user types in it."""

    root: Path

    def call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False, timeout=300
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done

    def fivefold(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.call(sys.executable, "-m", "fivefold", *arguments, check=check)

    def repro(self, *arguments: str) -> list[str]:
        """Run ``dvc repro`` and name the stages that it ran, in order."""
        done = self.call("dvc", "repro", *arguments)
        return re.findall(r"^Running stage '([\w-]+)'", done.stdout, flags=re.MULTILINE)

    def refused(self, *command: str) -> str:
        """Run a command that must fail with a message and no traceback, and give the message."""
        done = self.call(*command, check=False)
        said = done.stderr + done.stdout
        assert done.returncode != 0, said
        assert "Traceback" not in said, said
        return said

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new, 1))

    def commit(self, message: str = "Results") -> None:
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", message)


def _built(shared: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Bake, run and commit a project once for all the workers."""
    root = shared / name
    with FileLock(f"{root}.lock"):
        if not (shared / f"{name}.done").exists():
            shutil.rmtree(root, ignore_errors=True)
            make(root)
            project = Project(root)
            project.repro()
            project.commit()
            (shared / f"{name}.done").touch()
    return root


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def diabetes_run(shared: Path) -> Path:
    return _built(shared, "progression", lambda root: list(create(root, example="diabetes")))


@pytest.fixture(scope="session")
def own_run(shared: Path) -> Path:
    return _built(
        shared,
        "churn",
        lambda root: list(
            create(root, example="none", csv=customers(shared / "customers.csv"), target="churned")
        ),
    )


def customers(path: Path) -> Path:
    """Write a table as a user might bring it: text, dates, identifiers, missing values."""
    draw = np.random.default_rng(7)
    rows = ["customer,joined,plan,region,monthly fee,calls,churned"]
    for number in range(900):
        plan = draw.choice(["basic", "plus", "family"])
        region = draw.choice(["north", "south", "east", "west"])
        fee = round(float(draw.normal({"basic": 12, "plus": 20, "family": 35}[plan], 3)), 2)
        calls = int(draw.poisson(3))
        churned = draw.random() < 1 / (1 + np.exp(2.2 - 0.45 * calls - (plan == "basic")))
        joined = f"20{draw.integers(18, 26):02}-{draw.integers(1, 13):02}-{draw.integers(1, 29):02}"
        shown = "" if draw.random() < 0.05 else calls
        rows.append(
            f"C{number:05},{joined},{plan},{'' if draw.random() < 0.03 else region},{fee},{shown},"
            f"{'yes' if churned else 'no'}"
        )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def diabetes(diabetes_run: Path, tmp_path: Path) -> Project:
    """The diabetes example, run and committed."""
    return _copy(diabetes_run, tmp_path)


@pytest.fixture
def own(own_run: Path, tmp_path: Path) -> Project:
    """A project made from a CSV of the user's own, run and committed."""
    return _copy(own_run, tmp_path)


def _copy(run: Path, folder: Path) -> Project:
    root = folder / run.name
    shutil.copytree(run, root, symlinks=True)
    return Project(root)
