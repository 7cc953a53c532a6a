"""The workflows of each forge: valid by its own schema, linted, pinned, and short."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fivefold.pipeline.compose import check_project
from fivefold.review.owners import require_current_owners
from fivefold.template import EXAMPLES, FORGES, create

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project of each forge."""
    found = {}
    for forge in FORGES:
        found[forge] = tmp_path_factory.mktemp(forge) / "late-flights"
        list(create(found[forge], forge=forge))
    return found


def tracked(project: Path) -> set[str]:
    files = (path for path in project.rglob("*") if ".git" not in path.parts)
    return {path.relative_to(project).as_posix() for path in files if path.is_file()}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_project_has_the_files_of_its_forge_alone(baked: dict[str, Path]) -> None:
    rest = tracked(baked["none"])
    github, gitlab = (tracked(baked[forge]) - rest for forge in ("github", "gitlab"))
    assert gitlab == {".gitlab-ci.yml", "CODEOWNERS"}
    assert github == {
        "CODEOWNERS",
        ".github/dependabot.yml",
        ".github/pull_request_template.md",
        ".github/ISSUE_TEMPLATE/objective.yml",
        *(f".github/workflows/{name}.yml" for name in WORKFLOWS),
    }
    for forge in ("gitlab", "none"):
        assert not (baked[forge] / ".github").exists()


WORKFLOWS = ("monitor", "pull-request", "release", "report")


@pytest.mark.parametrize(
    ("schema", "forge", "files"),
    [
        ("vendor.github-workflows", "github", ".github/workflows/*.yml"),
        ("vendor.dependabot", "github", ".github/dependabot.yml"),
        ("vendor.github-issue-forms", "github", ".github/ISSUE_TEMPLATE/*.yml"),
        ("vendor.gitlab-ci", "gitlab", ".gitlab-ci.yml"),
    ],
)
def test_the_forges_own_schema_holds(
    schema: str, forge: str, files: str, baked: dict[str, Path]
) -> None:
    paths = sorted(map(str, baked[forge].glob(files)))
    assert paths
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths)


def test_a_schema_refuses_what_is_wrong(baked: dict[str, Path], tmp_path: Path) -> None:
    workflow = baked["github"] / ".github" / "workflows" / "report.yml"
    broken = tmp_path / "report.yml"
    broken.write_text(workflow.read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
    with pytest.raises(AssertionError, match="runs-on"):
        run(
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.github-workflows", str(broken)),
        )


def test_the_linter_finds_nothing_in_the_workflows(baked: dict[str, Path]) -> None:
    zizmor = str(Path(sys.executable).parent / "zizmor")
    run(zizmor, "--offline", "--no-progress", "--persona=pedantic", str(baked["github"]))


def test_the_linter_finds_a_script_that_takes_in_what_a_stranger_wrote(
    baked: dict[str, Path], tmp_path: Path
) -> None:
    text = (baked["github"] / ".github" / "workflows" / "pull-request.yml").read_text("utf-8")
    (tmp_path / "pull-request.yml").write_text(
        text.replace("run: pytest", "run: echo '${{ github.event.pull_request.title }}'"), "utf-8"
    )
    with pytest.raises(AssertionError, match="template-injection"):
        run(
            *(str(Path(sys.executable).parent / "zizmor"), "--offline", "--no-progress"),
            str(tmp_path / "pull-request.yml"),
        )


def workflow(project: Path, name: str) -> dict[str, Any]:
    path = project / ".github" / "workflows" / f"{name}.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_every_action_is_pinned_to_a_commit_and_says_its_version(baked: dict[str, Path]) -> None:
    seen = {}
    for name in WORKFLOWS:
        text = (baked["github"] / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
        for line in re.findall(r"uses: (.*)", text):
            action = re.fullmatch(r"(actions/[\w/-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert action, line
            seen.setdefault(action[1].split("/")[1], set()).add(action[2])
    assert {len(commits) for commits in seen.values()} == {1}


def test_what_runs_a_proposal_can_write_nothing(baked: dict[str, Path]) -> None:
    found = workflow(baked["github"], "pull-request")
    assert found["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in found["jobs"].values())
    # YAML 1.1 reads the key `on` as true.
    assert found[True] == "pull_request"
    assert "secrets." not in (
        baked["github"] / ".github" / "workflows" / "pull-request.yml"
    ).read_text("utf-8")


def test_what_can_write_to_a_proposal_runs_none_of_it(baked: dict[str, Path]) -> None:
    found = workflow(baked["github"], "report")
    assert set(found[True]) == {"workflow_run"}
    (job,) = found["jobs"].values()
    checkouts = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
    assert [step["with"]["sparse-checkout"] for step in checkouts] == ["requirements.lock"]
    assert not any("ref" in step["with"] for step in checkouts)
    lines = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("--editable" in line or "${{" in line for line in lines)


def test_the_workflows_are_short_enough_to_read(baked: dict[str, Path]) -> None:
    for path in (
        *(baked["github"] / ".github" / "workflows").iterdir(),
        baked["gitlab"] / ".gitlab-ci.yml",
    ):
        assert len(path.read_text("utf-8").splitlines()) <= 130, path.name


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_owners_are_those_of_the_plan(example: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    csv = tmp_path / "table.csv"
    csv.write_text("a,b\n" + "1,2\n2,3\n" * 50)
    own = {"csv": csv, "target": "b"} if example == "none" else {}
    list(create(project, example=example, **own))
    params = check_project(project)
    assert (project / "CODEOWNERS").is_file()
    require_current_owners(project, params["plan"])
