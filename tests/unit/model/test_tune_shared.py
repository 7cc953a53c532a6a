"""One study, a real PostgreSQL server, several processes, one of which is killed."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fivefold.errors import ConfigError, ModelError
from fivefold.model.candidate import Candidate
from fivefold.model.tune import Budget, TuneConfig, Tuned, tune, work
from fivefold.model.tuning import shared
from tests.servers import postgres

from .model_examples import example

PASSWORD = "s3cret/&pass"  # noqa: S105
TRIALS = 12
SLOW = """
import time
from sklearn.linear_model import LogisticRegression

class Slow(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        time.sleep(0.15)
        return super().fit(X, y)
"""
# Forked from one process that has imported what each needs, to be quick; a line per worker that is
# done: its number and how many trials it fitted.
WORKERS = """
import os
from fivefold.model.tune import work
from fivefold.model.tuning import search, shared
from tests.unit.model.test_tune_shared import config_of, example

shared._HEARTBEAT = 1
given = example("binary")
pids = []
for number in range(%(count)d):
    pids.append(os.fork())
    if not pids[-1]:
        count = work(given.train, given.schema, given.objective, {}, config_of(%(port)d))
        os.write(1, f"{number} {count}\\n".encode())
        os._exit(0)
os.write(1, f"{' '.join(map(str, pids))}\\n".encode())
for pid in pids:
    os.waitpid(pid, 0)
"""


def workers(port: int, count: int) -> subprocess.Popen[str]:
    script = WORKERS % {"port": port, "count": count}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def config_of(port: int, **more: Any) -> TuneConfig:
    candidate = Candidate(
        "slow",
        classifier={"_target_": "slow_estimator.Slow"},
        search={"classifier": {"C": {"low": 0.01, "high": 100.0, "log": True}}},
    )
    return TuneConfig(
        **{
            "candidate": candidate,
            "budget": Budget(trials=TRIALS),
            "storage": f"postgresql+psycopg://127.0.0.1:{port}/postgres",
            "user_env": "STUDY_USER",
            "password_env": "STUDY_PASSWORD",
            **more,
        }
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with postgres(tmp_path_factory.mktemp("server")) as port:
        yield port


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "slow_estimator.py").write_text(textwrap.dedent(SLOW))
    monkeypatch.syspath_prepend(str(tmp_path))
    here = [str(tmp_path), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(item for item in here if item))
    monkeypatch.setenv("STUDY_USER", "reader")
    monkeypatch.setenv("STUDY_PASSWORD", PASSWORD)
    monkeypatch.setattr(shared, "_HEARTBEAT", 1)
    yield
    # Optuna's threads leave their connections to the garbage: it is looked at here, or another test
    # would be warned of them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def tuned(config: TuneConfig) -> Tuned:
    given = example("binary")
    return tune(given.train, given.schema, given.objective, {}, config)


def test_four_workers_one_of_them_killed(server: int) -> None:
    started = workers(server, 4)
    assert started.stdout is not None
    pids = [int(pid) for pid in started.stdout.readline().split()]
    _wait_for_trials(server, 4)
    os.kill(pids[0], signal.SIGKILL)
    result = tuned(config_of(server))
    out, err = started.communicate(timeout=60)
    told = dict(line.split() for line in out.splitlines())
    assert set(told) == {"1", "2", "3"}, err
    assert result.tuning["states"] == {"complete": TRIALS, "pruned": 0, "failed": 0}
    lines = result.trials.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(n) for n in range(TRIALS)]
    # No trial is there twice.
    assert len({line.split(",")[2] for line in lines[1:]}) == TRIALS
    # Whoever asks the same finds the study done, and tells the same of it.
    again = tuned(config_of(server))
    assert again.trials == result.trials
    given = example("binary")
    assert work(given.train, given.schema, given.objective, {}, config_of(server)) == 0


def _wait_for_trials(port: int, count: int) -> None:
    end = time.monotonic() + 90
    place = f"host=127.0.0.1 port={port} user=reader dbname=postgres"
    while time.monotonic() < end:
        with (
            suppress(psycopg.errors.UndefinedTable, psycopg.OperationalError),
            psycopg.connect(place, password=PASSWORD) as connection,
        ):
            (found,) = connection.execute("select count(*) from trial_heartbeats").fetchall()
            if found[0] >= count:
                return
        time.sleep(0.1)
    raise AssertionError("the workers asked for no trial")


def test_a_storage_that_goes_away_is_one_message_and_the_study_goes_on(tmp_path: Path) -> None:
    with postgres(tmp_path) as port:
        started = workers(port, 1)
        _wait_for_trials(port, 3)
    _, said = started.communicate(timeout=60)
    assert "ModelError: the study's storage can't be reached" in said
    assert "the study goes on" in said
    assert "Exception in thread" not in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"storage": "shared.db"}, "not the URL of a database"),
        ({"storage": "nosuch://127.0.0.1/x"}, "not the URL of a database"),
        ({"storage": "postgresql+psycopg://me:secret@127.0.0.1/x"}, "must not stand in conf/"),
        ({"password_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_what_is_declared_wrong(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        tuned(config_of(9, **more))
    assert "secret@" not in str(caught.value)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ModelError, match="can't be reached") as caught:
        tuned(config_of(9))
    assert PASSWORD not in str(caught.value)


def test_a_worker_needs_a_shared_study() -> None:
    given = example("binary")
    with pytest.raises(ConfigError, match="no shared study"):
        work(given.train, given.schema, given.objective, {}, config_of(9, storage=None))
