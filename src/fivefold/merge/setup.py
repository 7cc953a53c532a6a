"""Tell a clone's Git how to merge what runs write; drivers and hooks can't be committed."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fivefold.errors import MergeError
from fivefold.merge.git import git, setting, toplevel

__all__ = ["ATTRIBUTES", "setup"]

ATTRIBUTES = {
    "dvc.lock": "fivefold-lock",
    "params.yaml": "fivefold-params",
    "metrics/profile.json": "fivefold-figures",
    "metrics/timeline.jsonl": "fivefold-figures",
    "metrics/evaluate.json": "fivefold-output",
    "reports/plan.json": "fivefold-output",
}
"""The driver that ``.gitattributes`` must give some of the paths that a project has."""

_HOOKS = ("post-merge", "post-rewrite")
_BEGIN, _END = "# fivefold setup: begin", "# fivefold setup: end"
_PRE_COMMIT = ".pre-commit-config.yaml"


def setup(project: Path) -> Iterator[str]:
    """Register the merge drivers and install the hooks in the clone that holds a project.

    What is there already is left as it is, so that it can be run again, after a move of the
    environment, say.

    Parameters
    ----------
    project : Path
        The project's folder.

    Yields
    ------
    str
        A line for each thing: what was done, what was there, what the user may want to do.

    Raises
    ------
    MergeError
        The folder is in no Git working tree, or Git refuses the settings.
    """
    root = toplevel(project)
    yield from _drivers(root)
    yield from _attributes(project)
    yield from _hooks(root)
    yield from _pre_commit(root, project)


def _command(*arguments: str) -> str:
    # -P: a module of the project's, or whatever lies in the folder, must not shadow ours.
    python = Path(sys.executable).as_posix()
    return " ".join([shlex.quote(python), "-P", "-m", "fivefold", *arguments])


def _drivers(root: Path) -> Iterator[str]:
    files = "%O %A %B %L %P"
    drivers = {
        "lock": ("dvc.lock, stage by stage", _command("merge-driver", "lock", files)),
        "params": (
            "params.yaml, until it is composed anew",
            _command("merge-driver params", files),
        ),
        "figures": ("figures that vary, key by key", _command("merge-driver figures", files)),
        # Where both sides changed an output of a stage, they changed the stage's entry in the lock,
        # too: it is dropped, and the next run writes the file. Until then ours does.
        "output": ("outputs of stages, whole", "true"),
    }
    for name, (meaning, command) in drivers.items():
        section = f"merge.fivefold-{name}"
        there = setting(root, f"{section}.driver", own=True)
        if there != command:
            git(root, "config", "--local", f"{section}.name", meaning)
            git(root, "config", "--local", f"{section}.driver", command)
        done = "there" if there == command else "set" if there is None else "set anew"
        yield f"merge driver fivefold-{name} ({meaning}): {done}"


def _attributes(project: Path) -> Iterator[str]:
    listed = git(project, "check-attr", "merge", "--", *ATTRIBUTES)
    found = dict(line.split(": merge: ") for line in listed.splitlines())
    missing = [path for path, driver in ATTRIBUTES.items() if found.get(path) != driver]
    if missing:
        yield (
            f".gitattributes names no driver for {', '.join(missing)}; "
            "take it from the template: cruft update"
        )


def _hooks(root: Path) -> Iterator[str]:
    if own := setting(root, "core.hooksPath"):
        yield f"hooks: left alone, core.hooksPath is {own}; after a merge: fivefold after-merge"
        return
    folder = root / git(root, "rev-parse", "--git-path", "hooks")
    folder.mkdir(parents=True, exist_ok=True)
    # An amended commit is a rewritten one, and merges nothing.
    call = f'[ "$1" = amend ] || {_command("after-merge")} || :'
    block = f"{_BEGIN}\n{call}\n{_END}\n"
    for name in _HOOKS:
        path = folder / name
        text = path.read_text(encoding="utf-8") if path.is_file() else "#!/bin/sh\n"
        first, _, rest = text.partition("\n")
        if not first.startswith("#!") or not first.rstrip().endswith(("sh", "bash", "dash")):
            yield f"hook {name}: yours is no shell script; let it call: fivefold after-merge"
            continue
        before, begin, after = rest.partition(_BEGIN)
        if begin:
            rest = before + after.partition(f"{_END}\n")[2]
        new = f"{first}\n{block}{rest}"
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")
            path.chmod(path.stat().st_mode | 0o111)
        yield f"hook {name}: {'there' if new == text else 'installed'}"


def _pre_commit(root: Path, project: Path) -> Iterator[str]:
    if not (project / _PRE_COMMIT).is_file():
        return
    if project.resolve() != root.resolve():
        yield f"pre-commit: left alone, the project is not the top folder of {root}"
        return
    if importlib.util.find_spec("pre_commit") is None:
        yield "pre-commit: not in this environment; next: pip install -e '.[dev]', fivefold setup"
        return
    if setting(root, "core.hooksPath"):
        yield "pre-commit: left alone, core.hooksPath is set"
        return
    hook = root / git(root, "rev-parse", "--git-path", "hooks/pre-commit")
    before = hook.read_bytes() if hook.is_file() else None
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "install"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MergeError(
            "pre-commit install failed", where=str(root), got=(done.stdout + done.stderr).strip()
        )
    yield f"hook pre-commit: {'there' if hook.read_bytes() == before else 'installed'}"
