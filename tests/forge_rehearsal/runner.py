"""Runs a job of a baked workflow here: its own ``run`` lines, and what its actions do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

BOT = {
    "GIT_AUTHOR_NAME": "runner",
    "GIT_AUTHOR_EMAIL": "runner@example.org",
}


@dataclass
class Forge:
    """What outlives a job: the repository, the caches, the artifacts.

    Attributes
    ----------
    remote : Path
        A bare repository.
    caches, artifacts : Path
        Folders.
    api : str
        The address of the server that stands for the forge's API.
    """

    remote: Path
    caches: Path
    artifacts: Path
    api: str = "http://127.0.0.1:9"
    token: str = "none"  # noqa: S105


@dataclass
class Step:
    """One step as it went."""

    name: str
    code: int
    output: str


@dataclass
class Ran:
    """A job as it went."""

    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        return [step.name for step in self.steps if step.code]

    @property
    def conclusion(self) -> str:
        return "failure" if self.failed else "success"

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    @property
    def log(self) -> str:
        return "\n".join(f"--- {s.name}: {s.code}\n{s.output}" for s in self.steps)


class GitHubJob:
    """A job of a GitHub workflow.

    Parameters
    ----------
    forge : Forge
    workflow : Path
    event : dict
        What the forge says of what started it.
    context : dict
        The expression context ``github``, without the event.
    folder : Path
        An empty folder to work in.
    """

    def __init__(
        self, forge: Forge, workflow: Path, event: dict[str, Any], context: dict[str, str],
        folder: Path,
    ) -> None:  # fmt: skip
        self.forge, self.folder = forge, folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.definition = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        self.context: dict[str, Any] = {
            "github": {**context, "event": event, "token": forge.token},
            "steps": {},
        }
        for name, text in (("event.json", json.dumps(event)), ("summary.md", ""), ("output", "")):
            (folder / name).write_text(text)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI", "GIT_"))},
            **{k: v for k, v in os.environ.items() if k.startswith("GIT_CONFIG")},
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_API_URL": forge.api,
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_OUTPUT": str(folder / "output"),
            **{f"GITHUB_{key.upper()}": value for key, value in context.items()},
        }

    def run(self, name: str) -> Ran:
        """Run one of its jobs, step by step."""
        job = self.definition["jobs"][name]
        assert self.definition["defaults"]["run"]["shell"] == "bash" if self._has_run(job) else True
        environment = {**self.environment, **self._resolved(job.get("env"))}
        ran, after = Ran(), []
        for step in job["steps"]:
            if not self._wanted(step.get("if"), ran):
                continue
            if "uses" in step:
                after += self._use(step, ran)
            else:
                self._script(step, environment, ran)
        if not ran.failed:
            for save in after:
                save()
        ran.summary = (self.folder / "summary.md").read_text("utf-8")
        return ran

    @staticmethod
    def _has_run(job: dict[str, Any]) -> bool:
        return any("run" in step and "|" in step["run"] for step in job["steps"])

    def _wanted(self, condition: str | None, ran: Ran) -> bool:
        if condition is None:
            return not ran.failed
        if "!cancelled()" in condition:
            return True
        return not ran.failed and bool(self._value(condition))

    def _script(self, step: dict[str, Any], environment: dict[str, str], ran: Ran) -> None:
        script = step["run"]
        if script.startswith("pip install "):
            # The machine has no network; the environment is the one that would come of it.
            (lock,) = re.findall(r"--constraint (\S+)", script)
            assert (self.workspace / lock).is_file()
            return
        file = self.folder / "step.sh"
        file.write_text(self._text(script))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)],
            cwd=self.workspace,
            env={**environment, **self._resolved(step.get("env"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert "Traceback" not in done.stdout, done.stdout
        ran.steps.append(Step(step["name"], done.returncode, done.stdout))
        if "id" in step:
            lines = (self.folder / "output").read_text("utf-8").splitlines()
            outputs = dict(line.split("=", 1) for line in lines)
            self.context["steps"][step["id"]] = {"outputs": outputs}

    def _use(self, step: dict[str, Any], ran: Ran) -> list[Any]:
        action = step["uses"].partition("@")[0]
        given = {key: self._text(str(value)) for key, value in (step.get("with") or {}).items()}
        match action:
            case "actions/checkout":
                self._checkout(given)
            case "actions/setup-python" | "actions/deploy-pages":
                pass
            case "actions/cache" | "actions/cache/restore":
                return self._restore(given, save=action == "actions/cache")
            case "actions/upload-artifact" | "actions/upload-pages-artifact":
                name = given.get("name", "github-pages")
                target = self.forge.artifacts / name
                shutil.rmtree(target, ignore_errors=True)
                if (self.workspace / given["path"]).is_dir():
                    shutil.copytree(self.workspace / given["path"], target)
                elif name == "github-pages":
                    ran.steps.append(Step(action, 1, "there is nothing to upload"))
            case "actions/download-artifact":
                source = self.forge.artifacts / given["name"]
                shutil.copytree(source, self.workspace / given["path"])
            case _:
                raise AssertionError(f"the rehearsal does not know {action}")
        return []

    def _checkout(self, given: dict[str, str]) -> None:
        revision = given.get("ref") or self.context["github"]["sha"]
        shutil.rmtree(self.workspace)
        git(self.folder, "clone", "--quiet", "--no-checkout", str(self.forge.remote), "workspace")
        # As the action does: the commit of a proposal may be on no branch.
        git(self.workspace, "fetch", "--quiet", "origin", "+refs/pull/*:refs/pull/*")
        if "sparse-checkout" in given:
            git(
                self.workspace,
                *("sparse-checkout", "set", "--no-cone", given["sparse-checkout"]),
            )
        branch = self.context["github"].get("ref_name")
        if branch:
            git(self.workspace, "checkout", "--quiet", "-B", branch, revision)
        else:
            git(self.workspace, "checkout", "--quiet", "--detach", revision)

    def _restore(self, given: dict[str, str], *, save: bool) -> list[Any]:
        target = self.workspace / given["path"]
        exact = self.forge.caches / given["key"]
        prefix = given["restore-keys"].strip()
        near = sorted(self.forge.caches.glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime)
        found = exact if exact.is_dir() else (near[-1] if near else None)
        if found is not None:
            shutil.copytree(found, target, dirs_exist_ok=True)
        if not save or found == exact:
            return []
        return [lambda: target.is_dir() and shutil.copytree(target, exact)]

    def _resolved(self, values: dict[str, str] | None) -> dict[str, str]:
        return {key: self._text(str(value)) for key, value in (values or {}).items()}

    def _text(self, text: str) -> str:
        return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda m: str(self._value(m.group(1))), text)

    def _value(self, expression: str) -> Any:
        if found := re.fullmatch(r"hashFiles\('(.+)'\)", expression):
            data = (self.workspace / found[1]).read_bytes()
            return hashlib.sha256(data).hexdigest()
        value: Any = self.context
        for name in expression.split("."):
            assert name in value, f"the forge has no {expression}"
            value = value[name]
        return value


class GitLabJob:
    """A job of ``.gitlab-ci.yml``.

    Parameters
    ----------
    forge : Forge
    project : Path
        Where the file is.
    variables : dict
        What the forge sets.
    folder : Path
        An empty folder to work in.
    """

    def __init__(
        self, forge: Forge, project: Path, variables: dict[str, str], folder: Path
    ) -> None:
        self.forge, self.folder, self.variables = forge, folder, variables
        self.definition = yaml.safe_load((project / ".gitlab-ci.yml").read_text("utf-8"))
        self.workspace = folder / "builds"
        folder.mkdir(parents=True)

    def run(self, name: str) -> Ran:
        """Run one of its jobs: one shell for the script, one for what comes after."""
        job = self._extended(name)
        git(self.folder, "clone", "--quiet", "--no-checkout", str(self.forge.remote), "builds")
        git(self.workspace, "fetch", "--quiet", "origin", "+refs/pull/*:refs/pull/*")
        git(self.workspace, "checkout", "--quiet", "--detach", self.variables["CI_COMMIT_SHA"])
        for need in job.get("needs", []):
            for source in (self.forge.artifacts / need["job"]).iterdir():
                shutil.copytree(source, self.workspace / source.name)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI", "GIT_"))},
            **{k: v for k, v in os.environ.items() if k.startswith("GIT_CONFIG")},
            **self.variables,
            "CI_PROJECT_DIR": str(self.workspace),
        }
        for key, value in (job.get("variables") or {}).items():
            environment[key] = re.sub(
                r"\$(\w+)", lambda found: environment.get(found[1], ""), str(value)
            )
        ran = Ran()
        before = job.get("before_script") or self.definition["default"]["before_script"]
        self._shell("script", [*before, *job["script"]], environment, ran)
        if "after_script" in job:
            self._shell("after_script", job["after_script"], environment, ran)
        for path in (job.get("artifacts") or {}).get("paths", []):
            target = self.forge.artifacts / name / path
            shutil.rmtree(target, ignore_errors=True)
            if (self.workspace / path).is_dir():
                shutil.copytree(self.workspace / path, target)
        return ran

    def _extended(self, name: str) -> dict[str, Any]:
        job = self.definition[name]
        above = job.get("extends", [])
        merged: dict[str, Any] = {}
        for parent in [above] if isinstance(above, str) else above:
            merged.update(self.definition[parent])
        return {**merged, **job}

    def _shell(self, name: str, lines: list[str], environment: dict[str, str], ran: Ran) -> None:
        # The machine has no network; the environment is the one that would come of it.
        kept = [line for line in lines if "pip install" not in line]
        assert len(kept) <= len(lines)
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(kept)],
            cwd=self.workspace,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert "Traceback" not in done.stdout, done.stdout
        ran.steps.append(Step(name, done.returncode, done.stdout))


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {arguments}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()
