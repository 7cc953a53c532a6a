"""A pipeline that takes milliseconds a stage, with a chain, a diamond, a loop and a second folder.

What a stage writes follows from what it reads, and the test computes the same in this process, so
that it knows what must run without asking DVC or the code under test.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo

# Run by `python -I -S`, which starts in a few milliseconds; so it knows the standard library only.
SCRIPT = """\
import hashlib, json, os, sys

PARAMS = ("load", "left", "right", "join", "score", "lone", "p", "q", "sub")
STAGES = {
    # stage: (deps, params, outs)
    "load": (["source.txt"], ["load"], ["data/raw", "metrics/load.json"]),
    "left": (["data/raw"], ["left"], ["data/left"]),
    "right": (["data/raw"], ["right"], ["data/right", "reports/right.json"]),
    "join": (["data/left", "data/right"], ["join"], ["data/join", "reports/join.json"]),
    "score": (["data/join", "reports/right.json"], ["score"], ["metrics/score.json"]),
    "lone": ([], ["lone"], ["reports/lone.json"]),
    "grid@p": (["data/raw"], ["p"], ["metrics/p.json"]),
    "grid@q": (["data/raw"], ["q"], ["metrics/q.json"]),
    "sub": (["data/left"], ["sub"], ["data/sub", "metrics/sub.json"]),
}


def compose(conf):
    return json.dumps(conf, indent=1, sort_keys=True) + "\\n"


def outputs(stage, texts, values):
    # Halved, so that a change of the input can give the same output: what follows need not run.
    said = [stage, texts, [value // 2 for value in values]]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    lines = "".join(digest[i : i + 8] + "\\n" for i in range(0, 64, 8))
    return {path: path + "\\n" + lines for path in STAGES[stage][2]}


def main(stage):
    if stage == "compose":
        conf = {name: json.load(open(f"conf/{name}.json")) for name in PARAMS}
        open("params.yaml", "w").write(compose(conf))
        said = [stage]
    else:
        deps, names, _ = STAGES[stage]
        params = json.load(open("params.yaml"))
        texts, values = [open(path).read() for path in deps], [params[name] for name in names]
        for path, text in outputs(stage, texts, values).items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(text)
        said = [stage, texts, values]
    with open(os.environ["RAN"], "a") as log:
        log.write(json.dumps(said) + "\\n")


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    main(sys.argv[1])
"""
MODEL: dict[str, Any] = {"__name__": "work"}
exec(SCRIPT, MODEL)  # noqa: S102  the pipeline's own code, to compute what it must give
STAGES: dict[str, tuple[list[str], list[str], list[str]]] = MODEL["STAGES"]
LOCKS = ("dvc.lock", "sub/dvc.lock")


def declaration(folder: str, stages: list[str]) -> str:
    """Write a `dvc.yaml`; the folder's stages name their files from there."""
    up = "" if folder == "." else "../"
    command = f"{sys.executable} -I -S {up}work.py"
    entries: dict[str, Any] = {}
    if folder == ".":
        entries["compose"] = {
            "cmd": f"{command} compose",
            "deps": ["conf"],
            "outs": [{"params.yaml": {"cache": False, "persist": True}}],
        }
    for stage in stages:
        deps, params, outs = STAGES[stage]
        name, _, item = stage.partition("@")
        entry: dict[str, Any] = {"cmd": f"{command} {stage}"}
        if deps:
            entry["deps"] = [up + path for path in deps]
        entry["params"] = params if folder == "." else [{f"{up}params.yaml": params}]
        entry["outs"] = [
            up + path if path.startswith("data/") else {up + path: {"cache": False}}
            for path in outs
        ]
        if item:
            text = json.dumps(entry).replace(f"@{item}", "@${item}")
            text = text.replace(f'["{item}"]', '["${item}"]').replace(f"/{item}.", "/${item}.")
            entries[name] = {"foreach": ["p", "q"], "do": json.loads(text)}
        else:
            entries[name] = entry
    return yaml.safe_dump({"stages": entries}, sort_keys=False)


MAIN = [stage for stage in STAGES if stage != "sub"]


class Clone:
    """A clone of the pipeline's repository, with what a user does in it."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self.log = log

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done

    def setup(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "fivefold", "setup"],
            cwd=self.root,
            capture_output=True,
            check=True,
        )

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def repro(self, *targets: str, run_cache: bool = True) -> list[str]:
        """Reproduce as `dvc repro -P` does and name the stages that the script says it ran."""
        before = len(self.ran())
        # DVC resolves paths from here, wherever the repository is.
        with chdir(self.root), Repo(str(self.root)) as repo:
            repo.reproduce(list(targets) or None, all_pipelines=not targets, run_cache=run_cache)
        return [said[0] for said in self.ran()[before:]]

    def checkout(self) -> None:
        with chdir(self.root), Repo(str(self.root)) as repo:
            repo.checkout(force=True, allow_missing=True)

    def ran(self) -> list[Any]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def read(self, path: str, revision: str | None = None) -> str:
        if revision is None:
            file = self.root / path
            return file.read_text() if file.is_file() else ""
        return self.git("show", f"{revision}:{path}", check=False).stdout

    def entries(self, revision: str | None = None) -> dict[str, Any]:
        """Give every stage's entry in every lock, by PyYAML's reading."""
        found: dict[str, Any] = {}
        for path in LOCKS:
            found |= (yaml.safe_load(self.read(path, revision)) or {}).get("stages") or {}
        return found


def start(root: Path, log: Path, template: Path) -> Clone:
    """Make the repository, run it and commit it."""
    os.environ["RAN"] = str(log)
    (root / "conf").mkdir(parents=True)
    (root / "sub").mkdir()
    clone = Clone(root, log)
    clone.git("init", "--quiet", "--initial-branch=main")
    with Repo.init(str(root)):
        pass
    (root / ".dvc" / "config").write_text(
        "[core]\n    analytics = false\n    check_update = false\n"
    )
    (root / "work.py").write_text(SCRIPT)
    (root / "dvc.yaml").write_text(declaration(".", MAIN))
    (root / "sub" / "dvc.yaml").write_text(declaration("sub", ["sub"]))
    (root / "source.txt").write_text("0\n")
    for name in MODEL["PARAMS"]:
        (root / "conf" / f"{name}.json").write_text("0\n")
    (root / ".gitattributes").write_text((template / ".gitattributes").read_text())
    clone.setup()
    clone.repro()
    clone.commit("Start")
    return clone


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
