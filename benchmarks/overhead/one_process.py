"""The whole pipeline in one process: the stages' functions, every value kept in memory."""

from pathlib import Path

import narwhals as nw
import yaml

from fivefold.pipeline.declare import Kind
from fivefold.pipeline.stages import STAGES
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table.engine import from_arrow

params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
values: dict[str, object] = {}
for stage in STAGES:
    section = {key: value for key, value in params[stage.name].items() if key != "inputs"}
    config = typed(stage.config_class, section, stage.name)
    arguments = {name: values[reference] for name, reference in stage.inputs.items()}
    result = stage.function(**arguments, config=config)
    for name, output in stage.outputs.items():
        value = getattr(result, name)
        if output.kind is Kind.TABLE:
            # As a later stage would have it from memory: computed once, ordered by key.
            frame = value.frame.sort(*value.key)
            value = frame.collect().lazy() if not isinstance(frame, nw.DataFrame) else frame.lazy()
        elif output.kind is Kind.TABLES:
            value = {key: from_arrow(table, "polars") for key, table in value.items()}
        elif output.kind is Kind.PAGE:
            render_html(value)
        values[f"{stage.name}.{name}"] = value
