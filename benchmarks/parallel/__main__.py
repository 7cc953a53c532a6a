"""``fivefold repro`` against ``dvc repro``, in turn on copies of the same project.

    python -m benchmarks.parallel [--runs 3] [--jobs 2]

1. the flights example as it is baked, every stage forced;
2. a pipeline of four independent arms that each fit a forest, in one thread;
3. thirty stages that do nothing to speak of, run for the first time;
4. the same thirty with nothing to do.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.projects import ENVIRONMENT, bake, timed

ARM = """
import sys
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
X, y = make_classification(8000, 30, n_informative=12, random_state=int(sys.argv[1]))
model = RandomForestClassifier(120, n_jobs=1, random_state=0).fit(X, y)
open(f"arm-{sys.argv[1]}.txt", "w").write(str(model.score(X, y)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel")
    parser.add_argument("--runs", type=int, default=3, help="how often each way is run")
    parser.add_argument("--jobs", type=int, default=2, help="stages at once")
    options = parser.parse_args()
    ours = ["fivefold", "repro", "--jobs", str(options.jobs)]
    theirs = ["dvc", "repro", "--quiet"]
    print("| what | dvc repro | fivefold repro | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, make, force in (
            ("the flights example, every stage", flights, True),
            ("four arms of a forest each", arms, True),
            ("thirty stages of nothing, the first time", thirty, None),
            ("thirty stages, nothing to do", thirty, False),
        ):
            figures = pair(
                Path(folder) / name.replace(" ", "-"), make, force, ours, theirs, options
            )
            old, new = (statistics.median(values) for values in figures)
            print(f"| {name} | {old:.1f} s | {new:.1f} s | {old / new:.2f} |", flush=True)


def pair(
    folder: Path,
    make: Callable[[Path], Path],
    force: bool | None,
    ours: list[str],
    theirs: list[str],
    options: argparse.Namespace,
) -> tuple[list[float], list[float]]:
    """Time both ways in turn; ``force`` None for a project that never ran, anew for each run."""
    folder.mkdir()
    made = make(folder / "project")
    times: tuple[list[float], list[float]] = ([], [])
    locks = set()
    for run in range(options.runs):
        # Who goes first changes: the second finds the machine's caches warm.
        for way in (0, 1) if run % 2 == 0 else (1, 0):
            command = (theirs, ours)[way]
            project = made
            if force is None:
                project = folder / f"{way}-{run}"
                shutil.copytree(made, project)
            elif not (made / "dvc.lock").exists():
                timed(made, *theirs)
            times[way].append(timed(project, *command, *(["--force"] if force else [])))
            locks.add((project / "dvc.lock").read_bytes())
    if len(locks) > 1:
        sys.exit(f"{folder.name}: the lock files differ")
    return times


def flights(root: Path) -> Path:
    return bake(root, full=False)


def arms(root: Path) -> Path:
    stages = "".join(
        f"  arm-{number}:\n    cmd: python arm.py {number}\n    deps: [arm.py]\n"
        f"    outs: [arm-{number}.txt]\n"
        for number in range(4)
    )
    return pipeline(root, stages, {"arm.py": ARM})


def thirty(root: Path) -> Path:
    stages = "".join(
        f"  s{number:02}:\n    cmd: cp in.txt s{number:02}.txt\n    deps: [in.txt]\n"
        f"    outs: [s{number:02}.txt]\n"
        for number in range(30)
    )
    return pipeline(root, stages, {"in.txt": "in\n"})


def pipeline(root: Path, stages: str, files: dict[str, str]) -> Path:
    """Make a DVC project of stages and files."""
    root.mkdir()
    for path, text in {"dvc.yaml": f"stages:\n{stages}", **files}.items():
        (root / path).write_text(text, encoding="utf-8")
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=root, env=ENVIRONMENT, check=True)
    for key in ("analytics", "check_update"):
        subprocess.run(["dvc", "config", f"core.{key}", "false"], cwd=root, check=True)
    return root


if __name__ == "__main__":
    main()
