"""DVC's remotes, which hold data, models and the review's evidence: a folder, and a real sshd."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project

_HINT = "no sshd found; install it: apt-get install openssh-server"
_SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/libexec")


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
    """An sshd of this user on loopback: its port, and the key that it lets in."""
    if _SSHD is None:
        if os.environ.get("CI"):
            pytest.fail(_HINT)
        pytest.skip(_HINT)
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": folder / "pid",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    if os.getuid() == 0:
        # Where sshd, started by root, puts the unprivileged half of itself.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen([_SSHD, "-D", "-e", "-f", str(config)], stderr=stream)
    # asyncssh asks for the server's key among the user's known hosts.
    known = Path(os.environ["HOME"]) / ".ssh" / "known_hosts"
    known.parent.mkdir(mode=0o700, exist_ok=True)
    kind, text, *_ = (folder / "host.pub").read_text().split()
    known.write_text(f"[127.0.0.1]:{port} {kind} {text}\n")
    try:
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        assert process.poll() is None, log.read_text()
        yield port, folder / "user"
    finally:
        process.terminate()
        process.wait()
        known.unlink()
