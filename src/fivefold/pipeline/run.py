"""Run one stage: read its inputs, call its pure function, write its outputs whole or not at all."""

from __future__ import annotations

import errno
import random
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from fivefold.errors import ConfigError, OutputError, PipelineError
from fivefold.pipeline.artifacts import HANDLERS, ReadContext
from fivefold.pipeline.check import check_stage, load_pipeline
from fivefold.pipeline.declare import Kind, Stage
from fivefold.pipeline.environment import require_locked_version
from fivefold.pipeline.integrity import require_locked
from fivefold.pipeline.passing import KeptTable, kept_tables, path_of
from fivefold.pipeline.profile import Profiler
from fivefold.pipeline.project import load_yaml_file
from fivefold.pipeline.sealed import check_sealed
from fivefold.pipeline.stages import PARAMS, input_output, stage_named
from fivefold.pipeline.typed import typed

__all__ = ["input_paths", "read_params", "run_stage", "work_on_study"]

# Kinds whose loading runs code that the file chooses: dvc.lock must vouch for the bytes first.
_EXECUTABLE = (Kind.ESTIMATOR, Kind.ONNX)


def read_params(root: Path) -> dict[str, Any]:
    """Read the composed parameters.

    Raises
    ------
    PipelineError
        ``params.yaml`` is absent or not a mapping.
    """
    path = root / PARAMS
    if not path.is_file():
        raise PipelineError(
            "the parameters are not composed yet", where=PARAMS, hint="dvc repro compose"
        )
    params = load_yaml_file(path, PARAMS)
    if not isinstance(params, dict):
        raise PipelineError(
            "the parameters are not a mapping", where=PARAMS, hint="dvc repro --force compose"
        )
    return params


def input_paths(stage: Stage, section: Mapping[str, Any]) -> dict[str, str]:
    """Give the path of each input, as wired or as the section's ``inputs`` changes it.

    Raises
    ------
    ConfigError
        ``inputs`` names something that the stage does not read.
    """
    changed = section.get("inputs") or {}
    unknown = [name for name in changed if name not in stage.inputs]
    if unknown:
        raise ConfigError(
            f"the stage {stage.name!r} has no input {unknown[0]!r}",
            where=f"{stage.name}.inputs",
            got=unknown[0],
            allowed=list(stage.inputs) or "none",
        )
    return {
        name: str(changed.get(name, input_output(reference).path))
        for name, reference in stage.inputs.items()
    }


def run_stage(stage: Stage, root: Path) -> None:
    """Run a stage in the project at ``root``.

    Every output is written beside its place and renamed when all of them are whole, so that a
    stage that is killed or fails leaves what was there before.

    Raises
    ------
    FivefoldError
        A parameter, an input or an output is not as it must be.
    """
    with Profiler(root) as profiler:
        own = str(root / "src")
        if own not in sys.path:
            # The project's own steps and estimators, installed or not.
            sys.path.insert(0, own)
        require_locked_version(root)
        params = read_params(root)
        profiler.configure(params)
        _run(stage, root, params, profiler)


def work_on_study(root: Path) -> int:
    """Work on the shared study of the stage ``tune`` in the project at ``root``.

    Returns
    -------
    int
        How many trials this process fitted.

    Raises
    ------
    FivefoldError
        A parameter or an input is not as it must be, or no study is shared.
    """
    from fivefold.model.tune import work

    stage = stage_named("tune")
    assert stage is not None  # noqa: S101 - a name of ours
    sys.path.insert(0, str(root / "src"))
    require_locked_version(root)
    params = read_params(root)
    section, paths = _section(stage, root, params)
    context = _context(section, params)
    arguments = {name: _read(stage, name, root, paths[name], context) for name in stage.inputs}
    return work(**arguments, config=_config(stage, section, params))


def _section(
    stage: Stage, root: Path, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a stage's section of the parameters and the paths of its inputs, both checked."""
    section = params.get(stage.name)
    if not isinstance(section, dict):
        raise PipelineError(
            f"the stage has no section {stage.name!r} in the parameters",
            where=PARAMS,
            hint="dvc repro --force compose",
        )
    paths = input_paths(stage, section)
    pipeline = load_pipeline(root)
    check_stage(stage, pipeline, paths)
    check_sealed(pipeline, params.get("split") or {})
    return section, paths


def _context(section: Mapping[str, Any], params: Mapping[str, Any]) -> ReadContext:
    trusted = (params.get("train") or {}).get("trusted_types") or []
    return ReadContext(engine=section.get("engine", "polars"), trusted=tuple(trusted))


def _run(stage: Stage, root: Path, params: dict[str, Any], profiler: Profiler) -> None:
    section, paths = _section(stage, root, params)
    config = _config(stage, section, params)
    context = _context(section, params)
    _seed(section.get("seed"))
    with profiler.part("read"):
        arguments = {name: _read(stage, name, root, paths[name], context) for name in stage.inputs}
    with profiler.part("compute"):
        result = stage.function(**arguments, config=config)
    with profiler.part("write"):
        outputs = {name: getattr(result, name) for name in stage.outputs}
        kept = kept_tables(stage, params, paths, arguments)
        _write_outputs(stage, outputs, root, context, kept)
    profiler.record(stage.name, stored=_stored(stage, root), parts=getattr(result, "costs", None))


def _config(stage: Stage, section: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
    values = {key: value for key, value in section.items() if key != "inputs"}
    if "code" in {item.name for item in fields(stage.config_class)}:
        # A report that says what code made it has this from here: it is no value of conf/.
        values["code"] = str((params.get("code") or {}).get(stage.name, ""))
    return typed(stage.config_class, values, stage.name)


def _stored(stage: Stage, root: Path) -> float:
    """Give the bytes of the outputs that DVC keeps."""
    found = 0
    for output in stage.outputs.values():
        path = root / output.path
        if output.cache:
            files = path.rglob("*") if path.is_dir() else (path,)
            found += sum(file.stat().st_size for file in files if file.is_file())
    return float(found)


def _seed(seed: int | None) -> None:
    # Our own stages pass their seed on; this is for a user's function that draws from the global
    # generators.
    if seed is None:
        return
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)


def _read(stage: Stage, name: str, root: Path, path: str, context: ReadContext) -> Any:
    kind = input_output(stage.inputs[name]).kind
    if not (root / path).exists():
        raise PipelineError(
            f"the input {name!r} of {stage.name!r} does not exist",
            where=path,
            hint=f"dvc repro {stage.name} (or dvc pull, where a remote has it)",
        )
    if kind in _EXECUTABLE:
        require_locked(root, path)
    return HANDLERS[kind].read(root / path, context)


def _write_outputs(
    stage: Stage,
    outputs: Mapping[str, Any],
    root: Path,
    context: ReadContext,
    kept: Sequence[KeptTable],
) -> None:
    beside: list[tuple[Path, Path]] = []
    try:
        for name, value in outputs.items():
            output = stage.outputs[name]
            path = root / output.path
            part = path.with_name(f".{path.name}.part")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _remove(part)
                beside.append((part, path))
                same = path_of(value, kept)
                if same is None:
                    HANDLERS[output.kind].write(value, part, context)
                else:
                    shutil.copyfile(root / same, part)
            except OSError as error:
                raise _output_error(error, stage, output.path) from error
        for part, path in beside:
            try:
                if path.is_dir():
                    shutil.rmtree(path)
                part.replace(path)
            except OSError as error:
                raise _output_error(error, stage, path.relative_to(root).as_posix()) from error
    finally:
        for part, _ in beside:
            with suppress(OSError):
                _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _output_error(error: OSError, stage: Stage, path: str) -> OutputError:
    hints = {
        errno.ENOSPC: "free some space (dvc gc -w drops unused versions), then dvc repro",
        errno.EACCES: "make the folder writable, then dvc repro",
        errno.EPERM: "make the folder writable, then dvc repro",
        errno.EROFS: "the file system is read-only: work in a folder you can write to",
    }
    return OutputError(
        f"the stage {stage.name!r} can't write an output; nothing was changed",
        where=path,
        got=error.strerror or str(error),
        hint=hints.get(error.errno or 0, "mend the cause, then dvc repro"),
    )
