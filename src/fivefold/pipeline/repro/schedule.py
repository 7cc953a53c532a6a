"""Which stage runs when: DVC's own graph, checks, cache and lock file, with stages side by side.

DVC decides whether a stage changed, restores it from the run cache, hashes and keeps its outputs
and writes ``dvc.lock``, one stage at a time and in this thread; only the commands run at once.
"""

from __future__ import annotations

import heapq
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from fivefold.errors import PipelineError
from fivefold.pipeline.repro.children import Job, Warm
from fivefold.pipeline.repro.stages import LockOrder, fetch_runs, keep, paths_locked, steps

__all__ = ["Outcome", "Status", "Watcher", "reproduce"]

Status = Literal["ran", "unchanged", "restored", "failed", "interrupted", "skipped"]
_TICK = 0.25


class Watcher(Protocol):
    """Is told what happens, for a person to see."""

    def started(self, stage: str, job: Job) -> None:
        """Note that a stage's command runs."""

    def ended(self, stage: str, status: Status, seconds: float, printed: str) -> None:
        """Note how a stage ended, how long it took, and what it printed."""

    def tick(self, running: Mapping[str, Job]) -> None:
        """Pass the time while commands run; several times a second."""


@dataclass
class Outcome:
    """How every stage that was looked at ended.

    Attributes
    ----------
    stages : dict of str to str
        By the stage's address: ran, unchanged, restored (from the cache or the remote), failed,
        interrupted, or skipped as what it needs failed.
    errors : dict of str to str
        Why a stage failed.
    interrupted : bool
        Whether Ctrl-C or a termination ended the run early.
    """

    stages: dict[str, Status] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    def count(self, status: Status) -> int:
        """Count the stages that ended so."""
        return sum(found == status for found in self.stages.values())


def reproduce(
    root: Path,
    targets: Sequence[str] = (),
    *,
    jobs: int,
    force: bool = False,
    keep_going: bool = False,
    warm: bool = True,
    pull: bool = False,
    watcher: Watcher,
) -> Outcome:
    """Bring the pipeline up to date, as ``dvc repro`` does, with up to `jobs` commands at once.

    ``dvc.lock`` is the same as after ``dvc repro``.

    Parameters
    ----------
    root : Path
        DVC's root.
    targets : sequence of str
        Stages, with what they need; all of ``dvc.yaml`` by default.
    jobs : int
        At least 1.
    force : bool
        Run stages that did not change too.
    keep_going : bool
        After a failure go on with what does not need the stage that failed.
    warm : bool
        Fork our own stages from one process that has imported what they need.
    pull : bool
        Before a stage runs look for its outputs in DVC's default remote, if there is one.
    watcher : Watcher

    Raises
    ------
    PipelineError
        Where DVC can't read the pipeline, or another command holds its lock.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo

    try:
        with (
            tempfile.TemporaryDirectory(prefix="fivefold-repro-") as logs,
            Repo(str(root)) as repo,
            lock_repo(repo),
            repo.scm_context,
            Warm() as nursery,
        ):
            run = _Run(
                repo,
                steps(repo, targets),
                jobs=jobs,
                force=force,
                keep_going=keep_going,
                warm=nursery if warm else None,
                pull=pull and fetch_runs(repo),
                watcher=watcher,
                logs=Path(logs),
            )
            return run.go()
    except DvcException as error:
        causes = [str(error), str(error.__cause__ or "")]
        raise PipelineError(
            "; ".join(text.splitlines()[0] for text in causes if text),
            where=str(root),
            hint="dvc status tells more",
        ) from error


class _Run:
    def __init__(
        self,
        repo: Any,
        steps: tuple[Any, list[Any]],
        *,
        jobs: int,
        force: bool,
        keep_going: bool,
        warm: Warm | None,
        pull: bool,
        watcher: Watcher,
        logs: Path,
    ) -> None:
        self._repo = repo
        self._graph, self._order = steps
        self._place = {stage: number for number, stage in enumerate(self._order)}
        self._jobs, self._force, self._keep_going = jobs, force, keep_going
        self._warm, self._pull, self._watcher, self._logs = warm, pull, watcher, logs
        self._outcome = Outcome()
        self._needs = {
            stage: {above for above in self._graph.successors(stage) if above in self._place}
            for stage in self._order
        }
        self._ready = [self._place[stage] for stage in self._order if not self._needs[stage]]
        heapq.heapify(self._ready)
        self._running: dict[Future[tuple[str, int]], _Started] = {}
        self._stop = False

    def go(self) -> Outcome:
        locks = LockOrder(self._order)
        with self._interrupts(), ThreadPoolExecutor(self._jobs) as pool:
            try:
                while self._ready or self._running:
                    while self._ready and not self._stop and len(self._running) < self._jobs:
                        self._begin(self._order[heapq.heappop(self._ready)], pool)
                    if self._stop:
                        self._ready.clear()
                    if self._running:
                        self._await()
            finally:
                # Whatever went wrong, no command outlives this one.
                for started in self._running.values():
                    started.job.stop()
                locks.restore()
        return self._outcome

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Take Ctrl-C and a termination as a wish: an output that is being kept is kept whole."""

        def note(*_: object) -> None:
            self._stop = self._outcome.interrupted = True

        signs = [signal.SIGINT, signal.SIGTERM]
        before = {sign: signal.signal(sign, note) for sign in signs}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _begin(self, stage: Any, pool: ThreadPoolExecutor) -> None:
        began = time.monotonic()
        locks = ExitStack()
        try:
            locks.enter_context(paths_locked(self._repo, stage))
            status = self._without_command(stage)
        except Exception as error:  # noqa: BLE001  DVC's errors are of many kinds; all are told
            locks.close()
            self._fail(stage, str(error), time.monotonic() - began, "")
            return
        if status is not None:
            locks.close()
            self._end(stage, status, time.monotonic() - began, "")
            return
        job = self._job(stage)
        self._watcher.started(stage.addressing, job)
        self._running[pool.submit(job.run)] = _Started(stage, job, began, locks)

    def _without_command(self, stage: Any) -> Status | None:
        """Settle a stage that needs no command; None where its command must run."""
        from dvc.stage.cache import RunCacheNotFoundError

        above = list(self._graph.successors(stage))
        if not self._force and not stage.changed(False, above):
            return "unchanged"
        if not self._force and self._pull and self._pulled(stage, above):
            return "restored"
        if stage.is_import or stage.frozen or not stage.cmd:
            stage.reproduce(upstream=above, force=self._force)
            stage.dump(update_pipeline=False)
            return "ran"
        stage.remove_outs(ignore_remove=False, force=False)
        if not self._force:
            try:
                self._repo.stage_cache.restore(stage, pull=self._pull)
            except RunCacheNotFoundError:
                pass
            else:
                keep(stage)
                return "restored"
        stage.save_deps()
        return None

    def _pulled(self, stage: Any, above: list[Any]) -> bool:
        """Fetch the outputs of a stage that lacks nothing else; False where any is nowhere."""
        from dvc.exceptions import CheckoutError

        if stage.changed(True, above):
            return False
        try:
            self._repo.pull(stage.addressing)
        except CheckoutError:
            return False
        return not stage.changed(False, above)

    def _job(self, stage: Any) -> Job:
        from dvc.stage.run import prepare_kwargs

        settings = prepare_kwargs(stage)
        commands = stage.cmd if isinstance(stage.cmd, list) else str(stage.cmd).splitlines()
        log = self._logs / f"{self._place[stage]}.log"
        return Job(commands, str(settings["cwd"]), settings["env"], log, self._warm)

    def _await(self) -> None:
        """Wait for a command to end, with DVC's lock free for others, and keep what it made."""
        self._repo.lock.unlock()
        try:
            done: set[Future[tuple[str, int]]] = set()
            while not done and not self._stop:
                done = wait(self._running, timeout=_TICK, return_when=FIRST_COMPLETED).done
                self._watcher.tick({s.stage.addressing: s.job for s in self._running.values()})
            if self._outcome.interrupted:
                for started in self._running.values():
                    started.job.stop()
            if self._stop:
                # What runs now ends, by itself or by the interrupt: what it made is worth keeping.
                done = wait(self._running).done
        finally:
            self._repo.lock.lock()
        self._repo._reset()
        for future in sorted(done, key=lambda item: self._place[self._running[item].stage]):
            self._finish(self._running.pop(future), future)

    def _finish(self, started: _Started, future: Future[tuple[str, int]]) -> None:
        seconds = time.monotonic() - started.began
        with started.locks:
            printed = started.job.printed()
            error = future.exception()
            command, code = future.result() if error is None else ("", 1)
            if code == 0:
                try:
                    keep(started.stage)
                except Exception as found:  # noqa: BLE001  as above
                    self._fail(started.stage, str(found), seconds, printed)
                    return
                self._end(started.stage, "ran", seconds, printed)
            elif self._outcome.interrupted:
                self._end(started.stage, "interrupted", seconds, printed)
            else:
                why = str(error) if error else f"'{command}' exited with {code}"
                self._fail(started.stage, why, seconds, printed)

    def _end(self, stage: Any, status: Status, seconds: float, printed: str) -> None:
        self._outcome.stages[stage.addressing] = status
        self._watcher.ended(stage.addressing, status, seconds, printed)
        if status == "interrupted":
            return
        for below in self._graph.predecessors(stage):
            if below in self._needs:
                self._needs[below].discard(stage)
                if not self._needs[below] and below.addressing not in self._outcome.stages:
                    heapq.heappush(self._ready, self._place[below])

    def _fail(self, stage: Any, why: str, seconds: float, printed: str) -> None:
        self._outcome.errors[stage.addressing] = why
        self._outcome.stages[stage.addressing] = "failed"
        self._watcher.ended(stage.addressing, "failed", seconds, printed)
        if not self._keep_going:
            self._stop = True
        pending = [stage]
        while pending:
            for below in self._graph.predecessors(pending.pop()):
                if below in self._needs and below.addressing not in self._outcome.stages:
                    self._outcome.stages[below.addressing] = "skipped"
                    pending.append(below)


@dataclass
class _Started:
    stage: Any
    job: Job
    began: float
    locks: ExitStack
