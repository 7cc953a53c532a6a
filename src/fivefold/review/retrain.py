"""When monitoring asks for a new model, and the branch that proposes one."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.data.sources.pins import PINS
from fivefold.errors import PipelineError
from fivefold.files import replace_text
from fivefold.pipeline.compose import composed
from fivefold.pipeline.places import locate
from fivefold.pipeline.project import load_yaml_file
from fivefold.pipeline.remote import default_remote, push_results
from fivefold.pipeline.repro.command import bring_up_to_date
from fivefold.pipeline.stages import PARAMS
from fivefold.policy import SECTION, ReviewConfig
from fivefold.review.results import result_paths

__all__ = ["Decision", "decide", "propose", "push", "roll_forward"]

_METRICS = "metrics/monitor.json"
_REPORT = "reports/monitor.json"


@dataclass(frozen=True)
class Decision:
    """Whether a new model is due, and why."""

    due: bool
    reason: str


def decide(root: Path) -> Decision:
    """Read what the stage ``monitor`` found, and what the policy makes of it.

    Raises
    ------
    PipelineError
        The stage has not run.
    """
    policy = ReviewConfig(**(load_yaml_file(root / PARAMS).get(SECTION) or {})).retrain
    metrics, report = (_read(root, path) for path in (_METRICS, _REPORT))
    degraded = int(metrics.get("degraded_periods") or 0)
    status = str((report.get("production") or {}).get("status", "ok"))
    drifted = int(metrics.get("drifted_features") or 0)
    worse = degraded > 0 or status != "ok"
    facts = []
    if worse:
        facts.append(
            f"{degraded} period{'s are' if degraded != 1 else ' is'} degraded"
            if degraded
            else "the metrics of production are worse than noise"
        )
    if drifted:
        facts.append(f"{drifted} feature{'s have' if drifted > 1 else ' has'} drifted")
    found = "; ".join(facts) or "nothing is worse and nothing drifted"
    due = {
        "always": True,
        "never": False,
        "degraded": worse,
        "drifted": worse or drifted > 0,
    }[policy]
    return Decision(due, f"{found} ({SECTION}.retrain: {policy})")


def roll_forward(root: Path, until: str) -> list[str]:
    """Move the parts of a split by time on: the test part is trained on, production tests.

    Parameters
    ----------
    root : Path
    until : str
        ISO 8601 date: where the new test part ends, if ``conf/`` doesn't say where production ends.

    Returns
    -------
    list of str
        What changed in ``conf/``; empty for other splits, whose parts take new rows by themselves.
    """
    split = composed(root)["split"]
    if split["method"] != "time" or not split["test_until"]:
        return []
    wanted = {
        "train_until": str(split["test_until"]),
        "test_until": str(split["production_until"] or until),
        "production_until": "null",
    }
    changed = []
    for key, value in wanted.items():
        if str(split[key] or "null") == value:
            continue
        place = re.match(r"(.+):(\d+) ", locate(root, ["split", key]))
        if place is None:
            raise PipelineError(
                "conf/ does not set the end of a part, so it can't be moved on",
                where=f"split.{key}",
                hint=f"set split.{key} in conf/config.yaml",
            )
        _set_line(root / place.group(1), int(place.group(2)), key, value)
        changed.append(f"split.{key}: {split[key]} becomes {value}")
    return changed


def propose(root: Path, decision: Decision, until: str) -> str | None:
    """Train on newer data on a branch of its own, and commit the results there.

    Parameters
    ----------
    root : Path
        A project whose working tree has at most the results of collecting and monitoring anew.
    decision : Decision
        Its reason goes into the commit's message.
    until : str
        See :func:`roll_forward`.

    Returns
    -------
    str or None
        The branch; None where the data are such that nothing comes out anew.
    """
    changed = roll_forward(root, until)
    outcome = bring_up_to_date(root, pull=True)
    if outcome.errors or outcome.interrupted:
        raise PipelineError(
            "training on newer data failed",
            got="; ".join(f"{name}: {why}" for name, why in outcome.errors.items()) or "Ctrl-C",
            hint="the messages above tell more; nothing is committed",
        )
    if not _git(root, "status", "--porcelain", "--", "dvc.lock"):
        return None
    lock = (root / "dvc.lock").read_bytes()
    branch = f"retrain-{hashlib.sha256(lock).hexdigest()[:8]}"
    _git(root, "switch", "--quiet", "--create", branch)
    # What remote sources were pinned to, before they were collected anew.
    pins = [PINS] if (root / PINS).is_file() else []
    _git(root, "add", "--", "conf", *pins, *result_paths(root))
    message = "\n".join(["Train on newer data", "", decision.reason, *changed, ""])
    _git(root, "commit", "--quiet", "--message", message)
    return branch


def push(root: Path, branch: str, remote: str = "origin") -> None:
    """Push its data to DVC's default remote, if any, then the branch; one that is there is left.

    Raises
    ------
    PipelineError
        A remote refuses.
    """
    if default_remote(root):
        push_results(root)
    if not _git(root, "ls-remote", "--heads", remote, branch):
        _git(root, "push", "--quiet", remote, branch)


def _set_line(path: Path, line: int, key: str, value: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[line - 1] = re.sub(
        rf"({key}:\s*)([^\s#,}}]+)", lambda found: found.group(1) + value, lines[line - 1]
    )
    replace_text(path, "".join(lines))


def _read(root: Path, path: str) -> dict[str, Any]:
    file = root / path
    if not file.is_file():
        raise PipelineError("the stage monitor has not run", where=path, hint="dvc repro monitor")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PipelineError(f"git {arguments[0]} failed", got=done.stderr.strip())
    return done.stdout.strip()
