"""Compose ``conf/`` into ``params.yaml``, with every value typed and every stage fingerprinted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fivefold.errors import ConfigError, PipelineError, PlanError, nearest
from fivefold.files import replace_text
from fivefold.pipeline.check import check_compose, check_pipeline, load_pipeline
from fivefold.pipeline.environment import differences, locked
from fivefold.pipeline.fingerprint import fingerprint
from fivefold.pipeline.integrity import file_md5, locked_outputs
from fivefold.pipeline.params import is_merged, render_params
from fivefold.pipeline.places import locate
from fivefold.pipeline.profiling.settings import (
    PRICES_SECTION,
    PROFILE_SECTION,
    PricesConfig,
    ProfileConfig,
)
from fivefold.pipeline.project import load_yaml, load_yaml_file
from fivefold.pipeline.run import input_paths
from fivefold.pipeline.sealed import check_sealed
from fivefold.pipeline.stages import PARAMS, STAGES
from fivefold.pipeline.targets import require_targets
from fivefold.pipeline.tree import groups, resolved_tree
from fivefold.pipeline.typed import typed
from fivefold.policy import SECTION, ReviewConfig
from fivefold.table.engine import ENGINES, unknown_engine

__all__ = ["check_project", "compose", "composed", "require_current"]

_SECTIONS: dict[str, type] = {
    SECTION: ReviewConfig,
    PROFILE_SECTION: ProfileConfig,
    PRICES_SECTION: PricesConfig,
}
_TOP_LEVEL = ("name", "key", "seed", "engine", *_SECTIONS)


def compose(root: Path) -> list[str]:
    """Check the project and write its ``params.yaml``.

    Parameters
    ----------
    root : Path
        The project's folder.

    Returns
    -------
    list of str
        What the user should know: packages that differ from the locked environment.

    Raises
    ------
    FivefoldError
        ``conf/`` is wrong, ``dvc.yaml`` does not fit it, or ``params.yaml`` was edited by hand.
    """
    params = check_project(root)
    text = render_params(params)
    _refuse_hand_edit(root, params, text)
    replace_text(root / PARAMS, text)
    return differences(root)


def require_current(root: Path) -> None:
    """Refuse a ``params.yaml`` that is not what ``conf/`` gives now.

    Raises
    ------
    PipelineError
        It is absent or differs.
    """
    path = root / PARAMS
    text = render_params(check_project(root))
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        there = load_yaml_file(path, PARAMS) if path.is_file() else {}
        changed = sorted(_changes(there, load_yaml(text, PARAMS)))
        raise PipelineError(
            "params.yaml is not what conf/ gives now",
            where=PARAMS,
            got="\n".join(changed[:5]) or "a comment or the layout",
            hint="dvc repro",
        )


def check_project(root: Path) -> dict[str, Any]:
    """Compose and check everything, write nothing, and give the parameters.

    Raises
    ------
    FivefoldError
        ``conf/`` is wrong or ``dvc.yaml`` does not fit it.
    """
    params = composed(root)
    pipeline = load_pipeline(root)
    check_compose(pipeline)
    check_pipeline(
        pipeline, {stage.name: input_paths(stage, params[stage.name]) for stage in STAGES}
    )
    check_sealed(pipeline, params["split"])
    return params


def composed(root: Path) -> dict[str, Any]:
    """Compose the parameters: a section per stage with every default, and the fingerprints.

    Raises
    ------
    ConfigError
        An unknown group, key or value; an override that does not parse.
    """
    tree = resolved_tree(root)
    params = _top_level(root, tree)
    versions = locked(root)
    sys.path.insert(0, str(root / "src"))
    try:
        for stage in STAGES:
            params[stage.name] = _section(root, stage, tree.get(stage.name) or {})
        _require_target(root, params)
        _require_currency(root, params)
        params["code"] = {
            stage.name: fingerprint(stage, params[stage.name], root / "src", versions)
            for stage in STAGES
        }
    finally:
        sys.path.remove(str(root / "src"))
    return params


def _top_level(root: Path, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is no stage's section, refusing what looks like a slip of the pen."""
    stages = [stage.name for stage in STAGES]
    menu = groups(root)
    own = {key: value for key, value in tree.items() if key not in stages}
    for key in own:
        if key in menu:
            raise ConfigError(
                f"{key!r} is chosen in the defaults list, not set",
                where=locate(root, [key]),
                got=f"{key}: {own[key]}",
                hint=f"under defaults: in conf/config.yaml, write - {key}: {own[key]}",
            )
        known = [*stages, *menu, *_TOP_LEVEL]
        if key not in known and (hint := nearest(key, known)):
            raise ConfigError(
                "neither a stage nor a setting of the project",
                where=locate(root, [key]),
                got=key,
                allowed=known,
                hint=hint,
            )
    for section, cls in _SECTIONS.items():
        if section in own:
            own[section] = _typed_values(root, cls, own[section] or {}, section)
    return own


def _section(root: Path, stage: Any, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(
            "a stage's section is a mapping", where=locate(root, [stage.name]), got=values
        )
    own = {key: value for key, value in values.items() if key != "inputs"}
    section = _typed_values(root, stage.config_class, own, stage.name)
    with _located(root, stage.name):
        inputs = input_paths(stage, values)
        require_targets(section, stage.name)
        if section.get("engine", ENGINES[0]) not in ENGINES:
            raise unknown_engine(section["engine"], f"{stage.name}.engine")
    return {"inputs": inputs, **section} if inputs else section


def _typed_values(root: Path, cls: type, values: Any, section: str) -> dict[str, Any]:
    """Give a section with every default, its types and bounds checked."""
    if not isinstance(values, dict):
        raise ConfigError("a section is a mapping", where=locate(root, [section]), got=values)
    with _located(root, section):
        found: dict[str, Any] = asdict(typed(cls, values, section))
    return found


@contextmanager
def _located(root: Path, section: str) -> Iterator[None]:
    """Let an error about a value name the file and line that set it."""
    try:
        yield
    except ConfigError as error:
        if error.where and error.where.split(".")[0] == section:
            error = type(error)(
                error.what,
                where=locate(root, error.where.split(".")),
                got=error.got,
                allowed=error.allowed,
                hint=error.hint,
            )
        raise error from None


def _require_currency(root: Path, params: Mapping[str, Any]) -> None:
    """Hold the prices against the plan's budget, which is compared with what they give."""
    paid = (params.get(PRICES_SECTION) or {}).get("currency")
    budget = params["plan"]["budget"]
    if paid and budget["cost"] is not None and budget["currency"] != paid:
        raise ConfigError(
            "the prices are in another currency than the plan's budget",
            where=locate(root, [PRICES_SECTION, "currency"]),
            got=paid,
            allowed=budget["currency"],
            hint="give both in one currency",
        )


def _require_target(root: Path, params: Mapping[str, Any]) -> None:
    """Hold the plan's target against the schema, where one is declared."""
    target, columns = params["plan"]["target"], params["validate"]["columns"]
    if not columns:  # `fivefold schema infer` is still to come, and validate will say so
        return
    marked = [name for name, column in columns.items() if column["role"] == "target"]
    if marked != [target]:
        raise PlanError(
            "the plan's target is not the schema's",
            where=locate(root, ["plan", "target"]),
            got=f"target: {target}; with role: target in conf/schema.yaml: {marked or 'none'}",
            allowed=None if target in columns else list(columns),
            hint=nearest(target, columns) if target not in columns else "give one column the role",
        )


def _refuse_hand_edit(root: Path, params: Mapping[str, Any], text: str) -> None:
    path = root / PARAMS
    expected = locked_outputs(root).get(PARAMS)
    if expected is None or not path.is_file() or file_md5(path) == expected:
        return
    found = path.read_text(encoding="utf-8")
    if found == text or is_merged(found):
        return
    there = load_yaml_file(path, PARAMS)
    changed = sorted(line for line in _changes(there, params) if not line.startswith("code."))
    raise PipelineError(
        "params.yaml was edited by hand; it is composed from conf/ and would lose the edit",
        where=PARAMS,
        got="\n".join(changed[:5]) or "a comment or the layout",
        hint="make the change in conf/, then rm params.yaml && dvc repro\n"
        "(for one experiment: dvc exp run -S overrides.yaml:+KEY=VALUE)",
    )


def _changes(there: Any, here: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys([*there, *here]):
            yield from _changes(there.get(key), here.get(key), f"{prefix}.{key}" if prefix else key)
    elif there != here:
        yield f"{prefix}: {there!r} (conf/ says {here!r})"
