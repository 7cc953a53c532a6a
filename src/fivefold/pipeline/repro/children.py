"""The processes that run a stage's commands: DVC's shell, or the child of a warm process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import BinaryIO, Protocol

__all__ = ["Job", "Warm"]

_OURS = re.compile(r"fivefold\s+(compose|run\s+[A-Za-z_]\w*)\s*")
_GRACE = 10.0
_PRELOAD = "fivefold.pipeline.repro.preload"


class _Process(Protocol):
    @property
    def pid(self) -> int | None: ...


class Warm:
    """Children forked from one process that has imported what our stages need.

    The process is started with the first child and ends with this one.
    """

    def __init__(self) -> None:
        self._context: BaseContext | None = None
        # A forked child is safe only where the libraries say so, and there is none on Windows.
        self.usable = sys.platform == "linux" and _is_ours()

    def takes(self, command: str) -> list[str] | None:
        """Give the arguments of a command that a warm child can run, or None."""
        found = _OURS.fullmatch(command.strip()) if self.usable else None
        return found[1].split() if found else None

    def start(
        self, arguments: Sequence[str], cwd: str, env: Mapping[str, str], log: Path
    ) -> multiprocessing.process.BaseProcess:
        """Start ``fivefold`` with arguments in a folder, its output appended to a file."""
        if self._context is None:
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload([_PRELOAD])
        process: multiprocessing.process.BaseProcess = self._context.Process(  # type: ignore[attr-defined]
            target=_run_ours, args=(list(arguments), cwd, dict(env), str(log))
        )
        process.start()
        return process


def _is_ours() -> bool:
    """Tell whether the ``fivefold`` that a shell would find is this environment's own."""
    import shutil

    found = shutil.which("fivefold")
    return (
        found is not None and Path(found).parent.resolve() == Path(sys.executable).parent.resolve()
    )


def _run_ours(arguments: list[str], cwd: str, env: dict[str, str], log: str) -> None:
    """Be the command ``fivefold`` in a forked child."""
    os.setpgid(0, 0)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.close(written)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["fivefold", *arguments]
    from fivefold.cli import main

    main()


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
        self._process: subprocess.Popen[bytes] | multiprocessing.process.BaseProcess | None = None
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
            code = self._run_one(command)
            if code:
                break
        return command, code

    def _run_one(self, command: str) -> int:
        arguments = self._warm.takes(command) if self._warm is not None else None
        if self._warm is not None and arguments is not None:
            forked = self._warm.start(arguments, self._cwd, self._env, self.log)
            self._process = forked
            forked.join()
            return forked.exitcode or 0
        with self.log.open("ab") as log:
            started = _start_shell(command, self._cwd, self._env, log)
            self._process = started
            return started.wait()

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
            while time.monotonic() < end and _alive(pid):
                time.sleep(0.05)


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
