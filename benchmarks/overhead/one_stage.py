"""Time one stage's function alone, with the imports it needs, and print the seconds."""

import sys
import time
from pathlib import Path

from fivefold.pipeline.artifacts import HANDLERS, ReadContext
from fivefold.pipeline.run import input_paths, read_params
from fivefold.pipeline.stages import input_output, stage_named
from fivefold.pipeline.typed import typed

root = Path.cwd()
stage = stage_named(sys.argv[1])
assert stage is not None
section = read_params(root)[stage.name]
paths = input_paths(stage, section)
values = {key: value for key, value in section.items() if key != "inputs"}
context = ReadContext(engine=values.get("engine", "polars"), trusted=())
config = typed(stage.config_class, values, stage.name)
arguments = {
    name: HANDLERS[input_output(reference).kind].read(root / paths[name], context)
    for name, reference in stage.inputs.items()
}
began = time.perf_counter()
stage.function(**arguments, config=config)
print(time.perf_counter() - began)
