"""Histories as a team would leave them, made in seconds: seven stages, branches and merges.

Every commit is an experiment: a stage's params are edited, that stage and those after it run again,
and params, lock and metrics are committed. What the files hold agrees, as after a real
``dvc repro``: the lock has the MD5 of every committed output and the params that each stage ran
with. Sizes are those of the flights example: ``params.yaml`` about 16 KB, ``dvc.lock`` about 30 KB,
three metrics files and the profile. ``git fast-import`` stores them as a packed clone would be.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

__all__ = ["STAGES", "make_history", "make_references"]

STAGES = ("collect", "clean", "split", "select", "tune", "train", "evaluate")
_METRICS = {"select": "metrics/select.json", "evaluate": "metrics/evaluate.json"}
_MONITOR = "metrics/monitor.json"
_START = 1_500_000_000
_FEATURES = 29
# Of every 40 commits on main, the last eight are a branch's: five of its own, and its merge.
_PERIOD, _BRANCH = 40, 8
_OPEN = 5

State = tuple[int, ...]
"""For each stage the number of the commit that last edited its params."""


def make_history(folder: Path, commits: int) -> Path:
    """Make a repository of so many commits, checked out, with five branches not yet merged.

    Parameters
    ----------
    folder : Path
        Where to make it; must not exist.
    commits : int
        At least 60.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir(parents=True)
    for command in (
        ("git", "init", "--quiet", "--initial-branch=main"),
        # What is measured is the reading, not a repacking that starts in the background.
        ("git", "config", "gc.auto", "0"),
        ("git", "config", "user.name", "A"),
        ("git", "config", "user.email", "a@example.org"),
    ):
        subprocess.run(command, cwd=folder, check=True)
    _import(folder, lambda stream: _write_history(stream, commits))
    subprocess.run(["git", "reset", "--quiet", "--hard", "main"], cwd=folder, check=True)
    return folder


def make_references(folder: Path, number: int, *, loose: int) -> None:
    """Add branches that point all over the history, the last of them one file each."""
    listed = subprocess.run(
        ["git", "rev-list", "--all"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()

    names = [f"refs/heads/team/{place % 97:02d}/{place:06d}" for place in range(number)]
    points = {name: listed[place * 7919 % len(listed)] for place, name in enumerate(names)}
    branches = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname) %(objectname)"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    packed = dict(line.split() for line in branches.splitlines())
    packed.update((name, points[name]) for name in names[: number - loose])
    # As git pack-refs would leave it, in a hundredth of the time.
    lines = [f"{packed[name]} {name}\n" for name in sorted(packed)]
    text = "# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines)
    (folder / ".git" / "packed-refs").write_text(text)
    for name in names[number - loose :]:
        file = folder / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{points[name]}\n")


def _import(folder: Path, write: Callable[[IO[bytes]], None]) -> None:
    process = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--force"], cwd=folder, stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    with process.stdin as stream:
        write(stream)
    if process.wait():
        raise SystemExit("git fast-import failed")


def _write_history(stream: IO[bytes], commits: int) -> None:
    plan = list(_plan(commits))
    files: list[tuple[str, Callable[[State], bytes]]] = [
        ("params.yaml", params_file),
        ("dvc.lock", lock_file),
        *((path, metrics_file(stage)) for stage, path in _METRICS.items()),
        (_MONITOR, metrics_file("monitor")),
        ("metrics/profile.json", profile_file),
    ]
    # One kind of file after the other, so that each is stored as a difference from the last.
    for kind, (_, content) in enumerate(files):
        for place, (state, *_) in enumerate(plan):
            data = content(state)
            stream.write(b"blob\nmark :%d\ndata %d\n" % (_mark(kind, place, commits), len(data)))
            stream.write(data)
            stream.write(b"\n")
    fixed = {
        ".dvc/config": b"[core]\n    analytics = false\n    check_update = false\n",
        ".dvc/.gitignore": b"/config.local\n/tmp\n/cache\n",
        ".dvcignore": b"# What DVC should leave alone, as in .gitignore.\n",
        ".gitignore": b"/data/\n/models/\n",
        "dvc.yaml": pipeline_file(),
        "README.md": b"# A synthetic history\n",
        **{f"src/{stage}.py": f"print({stage!r})\n".encode() * 40 for stage in STAGES},
    }
    for place, (_, branch, parents) in enumerate(plan):
        message = f"Experiment {place}: {'merge' if len(parents) > 1 else 'edit'}\n".encode()
        stream.write(b"commit refs/heads/%s\nmark :%d\n" % (branch.encode(), place + 1))
        stream.write(b"committer A <a@example.org> %d +0100\n" % (_START + 600 * place))
        stream.write(b"data %d\n%s" % (len(message), message))
        if place == 0:
            for path, data in fixed.items():
                stream.write(
                    b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
                )
        else:
            stream.write(b"from :%d\n" % (parents[0] + 1))
            stream.writelines(b"merge :%d\n" % (parent + 1) for parent in parents[1:])
        for kind, (path, _) in enumerate(files):
            stream.write(b"M 100644 :%d %s\n" % (_mark(kind, place, commits), path.encode()))
        stream.write(b"\n")


def _mark(kind: int, place: int, commits: int) -> int:
    return commits * (kind + 1) + place + 1


def _plan(commits: int) -> Iterator[tuple[State, str, tuple[int, ...]]]:
    """Give each commit's state, branch and parents; those not merged come last."""
    states: list[State] = []
    tip = -1
    place = 0
    while place < commits:
        left = commits - place
        if left <= _OPEN * 2:
            # Two commits on each of five branches that nobody has merged yet.
            start = tip
            for number in range(left):
                parent = start - number // 2 if number % 2 == 0 else place - 1
                states.append(_edited(states[parent], place))
                yield states[place], f"try-{number // 2}", (parent,)
                place += 1
            return
        step = place % _PERIOD
        if step == _PERIOD - _BRANCH and left > 2 * _BRANCH + 2 * _OPEN:
            fork, branch = tip, f"work-{place // _PERIOD % 20}"
            theirs = fork
            for _ in range(_BRANCH // 2):
                states.append(_edited(states[theirs], place))
                yield states[place], branch, (theirs,)
                theirs, place = place, place + 1
                states.append(_edited(states[tip], place))
                yield states[place], "main", (tip,)
                tip, place = place, place + 1
            # Whoever edited a stage last wins, as where two edits touch different sections.
            states.append(tuple(map(max, states[tip], states[theirs])))
            yield states[place], "main", (tip, theirs)
            tip, place = place, place + 1
            continue
        states.append((0,) * len(STAGES) if tip < 0 else _edited(states[tip], place))
        yield states[place], "main", (tip,) if tip >= 0 else ()
        tip, place = place, place + 1


def _edited(state: State, place: int) -> State:
    # Late stages are tried out more often than early ones.
    stage = (6, 5, 4, 5, 3, 5, 2, 4, 1, 5, 0)[place % 11]
    return (*state[:stage], place, *state[stage + 1 :])


def _digest(*parts: object) -> str:
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _number(*parts: object) -> float:
    """Give a number from 0 to 1 that follows from the parts."""
    return int(_digest(*parts)[:12], 16) / 16**12


_SECTION = (
    "  model: %s\n  learning_rate: %.12g\n  depth: %d\n  seed: 7\n  folds: [0, 1, 2, 3, 4]\n"
    "  columns:\n"
    + "".join(
        f"    feature_{number:02d}:\n      kind: numeric\n      scale: {number / 7:.6f}\n"
        f"      role: feature\n"
        for number in range(_FEATURES)
    )
)


def _section(stage: int, edit: int) -> str:
    seen = _number("section", stage, edit)
    model = ("logistic", "tree", "forest", "boosting")[int(seen * 4)]
    return _SECTION % (model, seen, 2 + int(seen * 97) % 30)


def _locked_section(stage: int, edit: int) -> str:
    text = _section(stage, edit)
    return "".join(f"        {line}" for line in text.splitlines(keepends=True))


_kept: dict[tuple[str, int, int], str] = {}


def _keep(make: Callable[[int, int], str], stage: int, edit: int) -> str:
    """Make a text once for the commits in a row that share it."""
    key = (make.__name__, stage, edit)
    if key not in _kept:
        if len(_kept) > 200:
            _kept.clear()
        _kept[key] = make(stage, edit)
    return _kept[key]


_PLAN = """plan:
  name: synthetic
  task: binary
  target: late
  primary_metric: roc_auc
  metrics: [roc_auc, log_loss, accuracy]
"""


def params_file(state: State) -> bytes:
    """Give a commit's ``params.yaml``."""
    sections = [f"{stage}:\n{_keep(_section, n, state[n])}" for n, stage in enumerate(STAGES)]
    return (_PLAN + "".join(sections)).encode()


def pipeline_file() -> bytes:
    """Give the ``dvc.yaml`` of all commits."""
    lines = ["stages:\n"]
    for number, stage in enumerate(STAGES):
        lines += [f"  {stage}:\n    cmd: python src/{stage}.py\n    deps:\n    - src/{stage}.py\n"]
        if number:
            lines.append(f"    - {_out(number - 1)}\n")
        lines.append(f"    params:\n    - {stage}\n    outs:\n    - {_out(number)}\n")
        if stage in _METRICS:
            lines.append(f"    metrics:\n    - {_METRICS[stage]}:\n        cache: false\n")
        if stage == "evaluate":
            lines.append(f"    - {_MONITOR}:\n        cache: false\n")
    lines.append("metrics:\n- metrics/profile.json\n")
    return "".join(lines).encode()


def _out(stage: int) -> str:
    return "data/test.parquet" if STAGES[stage] == "split" else f"data/{STAGES[stage]}.parquet"


def _out_entry(stage: int, state: State) -> str:
    # The test part stays what it is, so that all runs rank together.
    came_from = "same" if STAGES[stage] == "split" else state[: stage + 1]
    return _entry(_out(stage), _digest("out", stage, came_from), 4_000_000)


def _entry(path: str, md5: str, size: int) -> str:
    return f"    - path: {path}\n      hash: md5\n      md5: {md5}\n      size: {size}\n"


def lock_file(state: State) -> bytes:
    """Give a commit's ``dvc.lock``."""
    lines = ["schema: '2.0'\nstages:\n"]
    for number, stage in enumerate(STAGES):
        code = f"print({stage!r})\n".encode() * 40
        md5 = hashlib.md5(code, usedforsecurity=False).hexdigest()
        lines.append(f"  {stage}:\n    cmd: python src/{stage}.py\n    deps:\n")
        # DVC sorts by path.
        if number:
            lines.append(_out_entry(number - 1, state))
        lines.append(_entry(f"src/{stage}.py", md5, len(code)))
        section = _keep(_locked_section, number, state[number])
        lines.append(f"    params:\n      params.yaml:\n        {stage}:\n{section}    outs:\n")
        lines.append(_out_entry(number, state))
        written = [_METRICS[stage]] if stage in _METRICS else []
        for path in [*written, *([_MONITOR] if stage == "evaluate" else [])]:
            data = metrics_file("monitor" if path == _MONITOR else stage)(state)
            found = hashlib.md5(data, usedforsecurity=False).hexdigest()
            lines.append(_entry(path, found, len(data)))
    return "".join(lines).encode()


def metrics_file(stage: str) -> Callable[[State], bytes]:
    """Give what writes a stage's metrics: five, with intervals and baselines."""

    def content(state: State) -> bytes:
        seen = state[:4] if stage == "select" else state
        names = ("roc_auc", "log_loss", "accuracy", "brier_score", "average_precision")
        values = {name: 0.5 + _number(stage, name, seen) / 3 for name in names}
        found = {
            "rows": 6604,
            **values,
            "interval": {n: {"low": v - 0.018, "high": v + 0.018} for n, v in values.items()},
            "baseline": dict.fromkeys(names, 0.5),
        }
        return json.dumps(found, indent=2).encode()

    return content


def profile_file(state: State) -> bytes:
    """Give the profile: seconds and memory of every stage."""
    found = {
        stage: {
            "seconds": round(1 + 60 * _number("seconds", stage, state), 3),
            "read_seconds": 0.1,
            "compute_seconds": round(60 * _number("compute", stage, state), 3),
            "write_seconds": 0.1,
            "cpu_seconds": 1.5,
            "peak_memory_mb": round(100 + 400 * _number("memory", stage, state), 1),
        }
        for stage in STAGES
    }
    return json.dumps(found, indent=2).encode()
