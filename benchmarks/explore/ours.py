"""Run the stage's function on a project's files, and write its page and JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from fivefold.data.explore import ExploreConfig, explore
from fivefold.objective import Objective
from fivefold.pipeline.typed import typed
from fivefold.report import render_html
from fivefold.table import TableSchema, scan


def main(project: Path, engine: str, page: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    given: dict[str, Any] = {k: v for k, v in params["explore"].items() if k != "inputs"}
    given |= {"engine": engine, "key": params["split"]["key"], "split": params["split"]}
    schema = json.loads((project / "reports/schema.json").read_text(encoding="utf-8"))
    objective = json.loads((project / "reports/objective.json").read_text(encoding="utf-8"))
    table = scan(project / "data/cleaned.parquet", engine)
    aside = project / "data/quarantine.parquet"
    explored = explore(
        table,
        scan(aside, engine) if aside.exists() else table.head(0),
        TableSchema.from_json(schema),
        Objective.from_json(objective),
        typed(ExploreConfig, given, "explore"),
    )
    page.write_text(render_html(explored.page), encoding="utf-8")
    text = json.dumps(explored.summary, indent=2, ensure_ascii=False, allow_nan=False)
    page.with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
