"""The template bakes, by cookiecutter and cruft alike; the root is what it bakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from fivefold.template import EXAMPLES, template_folder

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from bake_root import bake, shared_files  # noqa: E402


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_bakes_without_a_leftover(example: str, tmp_path: Path) -> None:
    baked = Path(
        cookiecutter(
            str(template_folder()),
            no_input=True,
            extra_context={"project_name": "Some Project", "example": example},
            output_dir=str(tmp_path),
        )
    )
    assert baked.name == "some-project"
    for path in baked.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "cookiecutter." not in text, path
            assert "{%" not in text, path
            # What is left of double braces is the forge's own.
            assert "{{" not in text.replace("${{", ""), path
            assert text.endswith("\n") or not text, path
    assert (baked / "src" / "some_project" / "__init__.py").is_file()


def test_the_root_is_what_the_template_bakes(tmp_path: Path) -> None:
    project = bake(tmp_path)
    files = shared_files(project)
    assert Path("dvc.yaml") in files
    assert Path("conf/schema.yaml") in files
    for path in files:
        assert (ROOT / path).read_bytes() == (project / path).read_bytes(), (
            f"{path} differs: make root"
        )
    # And nothing else is in the folders that they share.
    for folder in ("conf", ".dvc"):
        tracked = subprocess.run(
            ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        assert set(tracked) == {path.as_posix() for path in files if path.parts[0] == folder}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The template as a repository that others bake from."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet")
    subprocess.run(["cp", "-r", str(template_folder()), str(origin / "template")], check=True)
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "-m", "First")
    return origin


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def cruft(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "cruft", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_cruft_creates_and_updates_a_project(published: Path, tmp_path: Path) -> None:
    cruft(
        tmp_path, "create", str(published), "--directory", "template", "--no-input",
        "--extra-context", json.dumps({"project_name": "Kept", "example": "diabetes"}),
    )  # fmt: skip
    project = tmp_path / "kept"
    git(project, "init", "--quiet")
    plan = project / "conf" / "plan.yaml"
    plan.write_text(plan.read_text("utf-8").replace("acceptable: 65", "acceptable: 60"), "utf-8")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "Our plan")

    example = published / "template" / "templates" / "diabetes" / "config.yaml"
    example.write_text(example.read_text("utf-8").replace("seed: 442", "seed: 443"), "utf-8")
    shared = published / "template" / "{{cookiecutter.project_slug}}" / "dvc.yaml"
    shared.write_text("# A new line.\n" + shared.read_text("utf-8"), encoding="utf-8")
    git(published, "commit", "--quiet", "--all", "-m", "Second")

    cruft(project, "update", "--skip-apply-ask")
    assert "seed: 443" in (project / "conf" / "config.yaml").read_text("utf-8")
    assert (project / "dvc.yaml").read_text("utf-8").startswith("# A new line.")
    assert "acceptable: 60" in plan.read_text("utf-8")
    cruft(project, "check")
