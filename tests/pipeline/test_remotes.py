"""DVC's remotes, which hold data, models and the review's evidence: a folder, and a real sshd."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project
from tests.servers import sshd


def test_a_folder_carries_a_run_to_another_clone(diabetes: Project, tmp_path: Path) -> None:
    remote = tmp_path / "storage"
    diabetes.call("dvc", "remote", "add", "--default", "storage", str(remote))
    carried(diabetes, tmp_path)
    assert any(remote.iterdir())


def test_an_ssh_server_carries_a_run_to_another_clone(
    diabetes: Project, tmp_path: Path, server: tuple[int, Path]
) -> None:
    port, key = server
    remote = tmp_path / "storage"
    remote.mkdir()
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{remote}"
    diabetes.call("dvc", "remote", "add", "--default", "storage", url)
    diabetes.call("dvc", "remote", "modify", "storage", "keyfile", str(key))
    carried(diabetes, tmp_path)
    assert any(remote.iterdir())


def carried(project: Project, folder: Path) -> None:
    """Push from the project, clone it, pull there, and find nothing left to run."""
    project.commit("A remote")
    project.call("dvc", "push")
    clone = Project(folder / "clone")
    project.call("git", "clone", "--quiet", str(project.root), str(clone.root))
    clone.call("dvc", "pull")
    for path in ("models/model.onnx", "data/test.parquet"):
        assert (clone.root / path).read_bytes() == (project.root / path).read_bytes()
    assert clone.repro() == []
    assert clone.call("git", "status", "--porcelain").stdout == ""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    with sshd(tmp_path) as given:
        yield given
