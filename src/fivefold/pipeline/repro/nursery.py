"""The warm process: it imports what our stages need, and forks a child for each of them.

Run as ``python -m fivefold.pipeline.repro.nursery FD``: it reads orders from a socket, a JSON line
each, answers with the child's process id and then its exit code, and ends with its children when
the socket is closed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from importlib import metadata
from typing import Any

from fivefold.pipeline.stages import STAGES

__all__ = ["main"]

# In the order in which the stages need them: a child is forked between any two.
_LIBRARIES = (
    "fivefold.cli",
    "fivefold.pipeline.compose",
    "hydra",
    "fivefold.pipeline.run",
    "polars",
    "pyarrow.parquet",
    "pandas",
    "narwhals",
    *(stage.module for stage in STAGES),
    "altair",
    "pandera.polars",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "skops.io",
    "onnxruntime",
    "skl2onnx",
)


def main(descriptor: int) -> None:
    """Serve orders until the socket is closed; in a child, be the command that was ordered."""
    with socket.socket(fileno=descriptor) as orders:
        order = _Nursery(orders).serve()
    if order is not None:
        _be(order)


class _Nursery:
    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._unread = b""
        self._children: dict[int, Any] = {}
        self._libraries = list(_LIBRARIES)

    def serve(self) -> dict[str, Any] | None:
        """Import and fork; gives an order in the child that must follow it, None at the end."""
        woken, wakes = socket.socketpair()
        wakes.setblocking(False)
        # Neither Ctrl-C nor a termination of the terminal's group ends it: the socket does.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        with woken, wakes, selectors.DefaultSelector() as selector:
            selector.register(self._orders, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(0 if self._libraries else None)}
                if woken in ready:
                    woken.recv(4096)
                self._reap()
                if self._orders in ready:
                    received = self._orders.recv(65536)
                    if not received:
                        self._end()
                        return None
                    *lines, self._unread = (self._unread + received).split(b"\n")
                    for line in lines:
                        order: dict[str, Any] = json.loads(line)
                        if self._fork(order):
                            signal.set_wakeup_fd(-1)
                            return order
                elif self._libraries:
                    # What can't be imported is left to the stage, whose message says why.
                    with contextlib.suppress(ImportError):
                        importlib.import_module(self._libraries.pop(0))

    def _fork(self, order: dict[str, Any]) -> bool:
        # A collection in the child would copy every page that it marks.
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            return True
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._children[pid] = order["id"]
        self._tell({"id": order["id"], "pid": pid})
        return False

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                code = os.waitstatus_to_exitcode(status)
                self._tell({"id": self._children.pop(pid), "code": code})

    def _tell(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._orders.sendall(json.dumps(answer).encode() + b"\n")

    def _end(self) -> None:
        for pid in self._children:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGTERM)


def _be(order: dict[str, Any]) -> None:
    """Run ``fivefold`` as ordered."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    written = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, written), (2, written)):
        os.dup2(source, target)
    os.close(written)
    os.close(nothing)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["fivefold", *order["arguments"]]
    os._exit(_exit_code())


def _exit_code() -> int:
    """Run the command line and give its exit code, its output flushed.

    The interpreter is not left by its own end: C++ libraries would wait there for threads that the
    fork did not take along.
    """
    # The command line lies above this layer; it is found as a shell would find it.
    (script,) = metadata.entry_points(group="console_scripts", name="fivefold")
    command = script.load()
    code = 1
    try:
        command()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  as the interpreter would print it
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


if __name__ == "__main__":
    main(int(sys.argv[1]))
