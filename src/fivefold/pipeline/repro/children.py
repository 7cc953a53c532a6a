"""The processes that run a stage's commands: DVC's shell, or the child of a warm process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

__all__ = ["Job", "Warm"]

_OURS = re.compile(r"fivefold\s+(compose|run\s+[A-Za-z_]\w*)\s*")
_NURSERY = "fivefold.pipeline.repro.nursery"
_GRACE = 10.0


class Warm:
    """Children forked from one process that has imported what our stages need.

    That process starts with the first child and ends with this object's context.
    """

    def __init__(self) -> None:
        # Elsewhere system libraries don't bear a fork without an exec.
        self._usable = sys.platform == "linux" and _is_ours()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, SimpleQueue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._last = 0

    def __enter__(self) -> Warm:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the warm process, and with it what still runs."""
        if self._socket is not None and self._process is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._process.wait()

    def arguments(self, command: str) -> list[str] | None:
        """Give the arguments of a command that a warm child can be, or None."""
        found = _OURS.fullmatch(command.strip()) if self._usable else None
        return found[1].split() if found else None

    def start(
        self, arguments: Sequence[str], cwd: str, env: Mapping[str, str], log: Path
    ) -> WarmChild | None:
        """Start ``fivefold`` with arguments in a folder; None where the warm process is gone.

        Parameters
        ----------
        arguments : sequence of str
        cwd : str
        env : mapping of str to str
        log : Path
            What it prints is appended there.
        """
        answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        with self._lock:
            if self._socket is None:
                self._open()
            self._last += 1
            number = self._last
            self._waiting[number] = answers
            order = {
                "id": number,
                "arguments": list(arguments),
                "cwd": cwd,
                "env": dict(env),
                "log": str(log),
            }
            assert self._socket is not None  # noqa: S101  just opened
            try:
                self._socket.sendall(json.dumps(order).encode() + b"\n")
            except OSError:
                return None
        pid = answers.get().get("pid")
        return None if pid is None else WarmChild(pid, answers)

    def _open(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _NURSERY, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        threading.Thread(target=self._listen, args=(self._socket,), daemon=True).start()

    def _listen(self, orders: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), orders.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                self._waiting[answer["id"]].put(answer)
        # Nobody answers any more: whoever waits must not wait for ever.
        for answers in list(self._waiting.values()):
            answers.put({"code": -signal.SIGTERM})


class WarmChild:
    """A command that runs in a warm process's child."""

    def __init__(self, pid: int, answers: SimpleQueue[dict[str, Any]]) -> None:
        self.pid = pid
        self._answers = answers

    def wait(self) -> int:
        """Wait for its end and give its exit code."""
        return int(self._answers.get()["code"])


def _is_ours() -> bool:
    """Tell whether the ``fivefold`` that a shell would find is this environment's own."""
    found = shutil.which("fivefold")
    here = Path(sys.executable).parent.resolve()
    return found is not None and Path(found).parent.resolve() == here


class Job:
    """The commands of one stage, run one after the other.

    Parameters
    ----------
    commands : sequence of str
    cwd : str
    env : mapping of str to str
    log : Path
        Takes what the commands print.
    warm : Warm or None
    """

    def __init__(
        self,
        commands: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        log: Path,
        warm: Warm | None,
    ) -> None:
        self.commands = commands
        self.log = log
        self._cwd, self._env, self._warm = cwd, env, warm
        self._process: subprocess.Popen[bytes] | WarmChild | None = None
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process that runs now, if any."""
        return self._process.pid if self._process is not None else None

    def printed(self) -> str:
        """Give what the commands printed."""
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_text(encoding="utf-8", errors="replace")
        return ""

    def run(self) -> tuple[str, int]:
        """Run the commands until one fails; give the last one and its exit code."""
        command, code = "", 0
        for command in self.commands:
            if self._stopped:
                return command, -signal.SIGINT
            code = self._start(command).wait()
            if code:
                break
        return command, code

    def _start(self, command: str) -> subprocess.Popen[bytes] | WarmChild:
        self._process = None
        arguments = self._warm.arguments(command) if self._warm is not None else None
        if self._warm is not None and arguments is not None:
            self._process = self._warm.start(arguments, self._cwd, self._env, self.log)
        if self._process is None:
            with self.log.open("ab") as log:
                self._process = _start_shell(command, self._cwd, self._env, log)
        if self._stopped:
            self.stop()
        return self._process

    def stop(self) -> None:
        """Interrupt the command as Ctrl-C would; end it by force where that takes too long."""
        self._stopped = True
        pid = self.pid
        if pid is None:
            return
        for sign in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, sign)
            end = time.monotonic() + _GRACE
            while _alive(pid):
                if time.monotonic() > end:
                    break
                time.sleep(0.05)
            else:
                return


def _alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _start_shell(
    command: str, cwd: str, env: Mapping[str, str], log: BinaryIO
) -> subprocess.Popen[bytes]:
    # Both are DVC's own: the user's shell, without its start-up files.
    from dvc.stage.run import _make_cmd, get_executable

    return subprocess.Popen(
        _make_cmd(get_executable(), command),
        cwd=cwd,
        env=dict(env),
        shell=os.name == "nt",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # A group of its own, so that an interrupt reaches what the shell started too.
        process_group=0 if os.name != "nt" else None,
    )
