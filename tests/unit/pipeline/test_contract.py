"""What every stage keeps: the same name everywhere, pure, typed, declared."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from fivefold.pipeline.declare import Stage
from fivefold.pipeline.stages import STAGES, input_output

BY_NAME = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


@BY_NAME
def test_function_takes_the_inputs_and_the_config(stage: Stage) -> None:
    parameters = list(inspect.signature(stage.function).parameters)
    assert parameters == [*stage.inputs, "config"]


@BY_NAME
def test_result_has_a_field_for_every_output(stage: Stage) -> None:
    module = importlib.import_module(stage.module)
    returned = inspect.signature(stage.function).return_annotation
    result = getattr(module, returned) if isinstance(returned, str) else returned
    # What its parts cost goes to the profile, which is no output.
    assert {field.name for field in dataclasses.fields(result)} - {"costs"} == set(stage.outputs)


@BY_NAME
def test_config_is_a_frozen_dataclass_that_documents_every_field(stage: Stage) -> None:
    config = stage.config_class
    assert dataclasses.is_dataclass(config)
    assert config.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert config.__name__ == f"{stage.name.title()}Config"
    documentation = config.__doc__ or ""
    for field in dataclasses.fields(config):
        assert field.name in documentation


@BY_NAME
def test_inputs_come_from_earlier_stages(stage: Stage) -> None:
    earlier = [item.name for item in STAGES[: STAGES.index(stage)]]
    for reference in stage.inputs.values():
        assert reference.split(".")[0] in earlier
        assert input_output(reference).path


@BY_NAME
def test_stage_knows_no_path_no_hydra_and_no_dvc(stage: Stage) -> None:
    module = importlib.import_module(stage.module)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert not imported & {"dvc", "hydra", "os", "pathlib", "sys", "time", "datetime", "shutil"}


def test_outputs_are_written_by_one_stage_each() -> None:
    paths = [output.path for stage in STAGES for output in stage.outputs.values()]
    assert len(paths) == len(set(paths))


def test_importing_every_stage_imports_nothing_heavy() -> None:
    # compose imports all of them, and so would pay for scikit-learn on every edit of conf/.
    code = (
        "import importlib, sys\n"
        "from fivefold.pipeline.stages import STAGES\n"
        "for stage in STAGES: importlib.import_module(stage.module)\n"
        "heavy = {'sklearn', 'pandas', 'scipy', 'altair', 'onnx', 'onnxruntime', 'pandera', "
        "'skops', 'polars', 'duckdb'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
