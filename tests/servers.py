"""Real servers on loopback, started for a test and ended with it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["postgres", "sshd"]

_SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/libexec")


def _absent(hint: str) -> None:
    """Skip; but where the suite must be whole, fail."""
    if os.environ.get("CI"):
        pytest.fail(hint)
    pytest.skip(hint)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def sshd(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """An sshd of this user: its port, and the key that it lets in."""
    if _SSHD is None:
        _absent("no sshd found; install it: apt-get install openssh-server")
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    port = _free_port()
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
        _wait(process, port, log)
        yield port, folder / "user"
    finally:
        process.terminate()
        process.wait()
        known.unlink()


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A PostgreSQL server with the user ``reader`` and a password: its port.

    It refuses to run as root, and so runs as ``postgres`` or ``nobody`` then.
    """
    places = os.pathsep.join(
        ["/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))[::-1]]
    )
    initdb = shutil.which("initdb") or shutil.which("initdb", path=places)
    server = shutil.which("postgres") or shutil.which("postgres", path=places)
    if initdb is None or server is None:
        _absent("no PostgreSQL found; install it: apt-get install postgresql")
    assert initdb is not None
    assert server is not None
    user = getpass.getuser()
    # pytest's own folders are closed to other users.
    base = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    as_user: list[str] = []
    if os.getuid() == 0:
        known = [name for name in ("postgres", "nobody") if _exists(name)]
        if not known or shutil.which("setpriv") is None:
            _absent("PostgreSQL does not run as root; needs setpriv and a user postgres or nobody")
        user = known[0]
        shutil.chown(base, user)
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups", "--"]
    (base / "password").write_text("s3cret/&pass\n")
    (base / "password").chmod(0o644)
    port, log = _free_port(), folder / "postgres.log"
    data = base / "data"
    setup = [initdb, "-D", data, "-U", "reader", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    try:
        with log.open("w") as stream:
            subprocess.run(
                [*as_user, *setup, f"--pwfile={base / 'password'}"],
                check=True,
                stdout=stream,
                stderr=stream,
                cwd=base,
            )
            options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(base), "-F"]
            process = subprocess.Popen(
                [*as_user, server, "-D", data, *options], stdout=stream, stderr=stream, cwd=base
            )
        try:
            _wait(process, port, log)
            yield port
        finally:
            # At once, whoever is connected still; asked politely it would wait for them.
            process.send_signal(signal.SIGINT)
            process.wait()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _exists(name: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
