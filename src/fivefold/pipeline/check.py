"""Hold ``dvc.yaml`` against the stages' declarations, and name the line to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.errors import PipelineError, nearest
from fivefold.pipeline.declare import Stage
from fivefold.pipeline.project import line_of, load_yaml
from fivefold.pipeline.stages import COMPOSE, PARAMS, STAGES, stage_named

__all__ = ["Pipeline", "check_compose", "check_pipeline", "check_stage", "load_pipeline"]

PIPELINE = "dvc.yaml"
_RUN = "fivefold run "


@dataclass(frozen=True)
class Pipeline:
    """``dvc.yaml`` as read.

    Attributes
    ----------
    stages : mapping
        The ``stages`` section.
    text : str
        The file's text, for the line numbers.
    """

    stages: Mapping[str, Any]
    text: str

    def at(self, *path: str) -> str:
        """Give the file and line of a key."""
        line = line_of(self.text, ["stages", *path])
        return f"{PIPELINE}:{line} (stages.{'.'.join(path)})" if line else PIPELINE


def load_pipeline(root: Path) -> Pipeline:
    """Read a project's ``dvc.yaml``.

    Raises
    ------
    PipelineError
        It is absent or declares no stages.
    """
    path = root / PIPELINE
    if not path.is_file():
        raise PipelineError(
            "there is no dvc.yaml in this folder",
            where=str(root),
            hint="cd into a Fivefold project, or make one: fivefold new",
        )
    text = path.read_text(encoding="utf-8")
    data = load_yaml(text, PIPELINE)
    stages = data.get("stages") if isinstance(data, dict) else None
    if not isinstance(stages, dict):
        raise PipelineError("dvc.yaml declares no stages", where=PIPELINE)
    return Pipeline(stages, text)


def check_pipeline(pipeline: Pipeline, inputs: Mapping[str, Mapping[str, str]]) -> None:
    """Check every stage of ours that ``dvc.yaml`` has.

    Parameters
    ----------
    pipeline : Pipeline
        ``dvc.yaml``.
    inputs : mapping of str to mapping
        For each stage, the path of each of its inputs.

    Raises
    ------
    PipelineError
        The first entry that differs from its declaration.
    """
    for name, entry in pipeline.stages.items():
        command = entry.get("cmd") if isinstance(entry, dict) else None
        if not isinstance(command, str) or not command.startswith(_RUN):
            continue
        called = command.removeprefix(_RUN).split()[0]
        if stage_named(called) is None:
            known = [stage.name for stage in STAGES]
            raise PipelineError(
                "dvc.yaml runs a stage that does not exist",
                where=pipeline.at(name, "cmd"),
                got=called,
                allowed=known,
                hint=nearest(called, known),
            )
        if called != name:
            raise PipelineError(
                "a stage has the same name everywhere",
                where=pipeline.at(name, "cmd"),
                got=f"{name}: fivefold run {called}",
                allowed=f"{called}: fivefold run {called}",
            )
    for stage in STAGES:
        if stage.name in pipeline.stages:
            check_stage(stage, pipeline, inputs[stage.name])


def check_stage(stage: Stage, pipeline: Pipeline, inputs: Mapping[str, str]) -> None:
    """Check one stage's command, parameters, inputs and outputs.

    Raises
    ------
    PipelineError
        The entry differs from the declaration.
    """
    entry = pipeline.stages.get(stage.name)
    if not isinstance(entry, dict):
        raise PipelineError(
            f"dvc.yaml has no stage {stage.name!r}",
            where=PIPELINE,
            allowed=list(pipeline.stages),
            hint=nearest(stage.name, pipeline.stages),
        )
    command = f"{_RUN}{stage.name}"
    if entry.get("cmd") != command:
        raise PipelineError(
            "the stage's command is not ours",
            where=pipeline.at(stage.name, "cmd"),
            got=entry.get("cmd"),
            allowed=command,
        )
    params = [item for item in entry.get("params") or [] if isinstance(item, str)]
    for needed in (stage.name, f"code.{stage.name}"):
        if needed not in params:
            raise PipelineError(
                f"the stage does not watch its parameters {needed!r}: it would miss a change",
                where=pipeline.at(stage.name, "params"),
                got=params,
                hint=f"add '- {needed}' under params",
            )
    deps = entry.get("deps") or []
    for name, path in inputs.items():
        if path not in deps:
            raise PipelineError(
                f"the stage reads {path}, which its deps do not name",
                where=pipeline.at(stage.name, "deps"),
                got=deps,
                allowed=list(inputs.values()),
                hint=nearest(path, deps)
                or f"add it, or set {stage.name}.inputs.{name} in conf/ to the path that is there",
            )
    _check_outputs(stage, pipeline, entry)


def _check_outputs(stage: Stage, pipeline: Pipeline, entry: Mapping[str, Any]) -> None:
    declared = {output.path: output for output in stage.outputs.values()}
    found: set[str] = set()
    for section in ("outs", "metrics", "plots"):
        for item in entry.get(section) or []:
            path, options = next(iter(item.items())) if isinstance(item, dict) else (item, {})
            output = declared.get(path)
            if output is None:
                raise PipelineError(
                    "dvc.yaml names a path that the stage does not write",
                    where=pipeline.at(stage.name, section, path),
                    got=path,
                    allowed=list(declared),
                    hint=nearest(path, declared),
                )
            if output.metric != (section == "metrics"):
                raise PipelineError(
                    "the path stands in the wrong list",
                    where=pipeline.at(stage.name, section, path),
                    got=section,
                    allowed="metrics" if output.metric else "outs",
                )
            cached = bool((options or {}).get("cache", True))
            if cached != output.cache:
                raise PipelineError(
                    "reports and metrics are kept in Git, data and models in DVC's cache",
                    where=pipeline.at(stage.name, section, path),
                    got=f"cache: {str(cached).lower()}",
                    allowed=f"cache: {str(output.cache).lower()}",
                )
            found.add(path)
    missing = [path for path in declared if path not in found]
    if missing:
        section = "metrics" if declared[missing[0]].metric else "outs"
        raise PipelineError(
            "the stage writes a path that dvc.yaml does not name",
            where=pipeline.at(stage.name, section),
            got=sorted(found),
            hint=f"add {missing[0]} under {section}",
        )


def check_compose(pipeline: Pipeline) -> None:
    """Check the entry of ``compose`` itself, which makes ``params.yaml``.

    Raises
    ------
    PipelineError
        The entry would miss an edit of ``conf/``, the code or the overrides.
    """
    entry = pipeline.stages.get(COMPOSE)
    if not isinstance(entry, dict):
        raise PipelineError(
            "dvc.yaml has no stage 'compose': an edit of conf/ would go unseen", where=PIPELINE
        )
    outs = entry.get("outs") or []
    options: dict[str, Any] = next(
        (item[PARAMS] for item in outs if isinstance(item, dict) and PARAMS in item), {}
    )
    if options.get("cache") is not False or options.get("persist") is not True:
        raise PipelineError(
            "compose must leave params.yaml in Git, and see what was there before",
            where=pipeline.at(COMPOSE, "outs"),
            got=outs,
            allowed="params.yaml: {cache: false, persist: true}",
        )
    for needed in ("conf", "src"):
        if needed not in (entry.get("deps") or []):
            raise PipelineError(
                f"compose does not watch {needed}/: an edit there would go unseen",
                where=pipeline.at(COMPOSE, "deps"),
                got=entry.get("deps") or [],
                hint=f"add '- {needed}' under deps",
            )
