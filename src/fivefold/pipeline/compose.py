"""Compose ``conf/`` into ``params.yaml``, with every value typed and every stage fingerprinted."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fivefold.errors import ConfigError, FivefoldError, PipelineError, PlanError, nearest
from fivefold.pipeline.check import check_compose, check_pipeline, load_pipeline
from fivefold.pipeline.environment import differences, locked
from fivefold.pipeline.fingerprint import fingerprint
from fivefold.pipeline.integrity import file_md5, locked_outputs
from fivefold.pipeline.project import deepest, load_yaml, load_yaml_file
from fivefold.pipeline.run import input_paths
from fivefold.pipeline.stages import PARAMS, STAGES
from fivefold.pipeline.targets import require_targets
from fivefold.pipeline.typed import typed
from fivefold.table.engine import ENGINES, unknown_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CONF",
    "OVERRIDES",
    "check_project",
    "compose",
    "composed",
    "render_params",
    "require_current",
    "resolved_tree",
]

CONF = "conf"
OVERRIDES = "overrides.yaml"
_TOP_LEVEL = ("name", "key", "seed", "engine")

_HEADER = """\
# Composed from conf/ and overrides.yaml by `dvc repro`. An edit here is refused: edit conf/.
"""
# Resolvers whose value depends on the machine or the moment would be baked into params.yaml.
_UNSTABLE = re.compile(r"\$\{(oc\.env|now|hydra|env|uuid|random)[:.}]")


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
    path = root / PARAMS
    part = path.with_name(f".{PARAMS}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
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
    return params


def render_params(params: Mapping[str, Any]) -> str:
    """Give the text of ``params.yaml``."""
    return _HEADER + yaml.safe_dump(
        dict(params), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


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
        params["code"] = {
            stage.name: fingerprint(stage, params[stage.name], root / "src", versions)
            for stage in STAGES
        }
    finally:
        sys.path.remove(str(root / "src"))
    return params


def resolved_tree(root: Path) -> dict[str, Any]:
    """Compose the tree as ``conf/`` and the overrides declare it, without the stages' defaults.

    Raises
    ------
    ConfigError
        An unknown group or value; an override that does not parse.
    """
    return _hydra(root, _overrides(root))


def _top_level(root: Path, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is no stage's section, refusing what looks like a slip of the pen."""
    stages = [stage.name for stage in STAGES]
    groups = _groups(root)
    own = {key: value for key, value in tree.items() if key not in stages}
    for key in own:
        if key in groups:
            raise ConfigError(
                f"{key!r} is chosen in the defaults list, not set",
                where=_locate(root, [key]),
                got=f"{key}: {own[key]}",
                hint=f"under defaults: in conf/config.yaml, write - {key}: {own[key]}",
            )
        known = [*stages, *groups, *_TOP_LEVEL]
        if key not in known and (hint := nearest(key, known)):
            raise ConfigError(
                "neither a stage nor a setting of the project",
                where=_locate(root, [key]),
                got=key,
                allowed=known,
                hint=hint,
            )
    return own


def _groups(root: Path) -> list[str]:
    """Name the config groups: the project's own and the menu's."""
    menu = Path(__file__).parent.parent / CONF
    return sorted(
        {item.name for folder in (root / CONF, menu) for item in folder.glob("*") if item.is_dir()}
        - {"__pycache__"}
    )


def _section(root: Path, stage: Any, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(
            "a stage's section is a mapping", where=_locate(root, [stage.name]), got=values
        )
    own = {key: value for key, value in values.items() if key != "inputs"}
    try:
        section: dict[str, Any] = asdict(typed(stage.config_class, own, stage.name))
        inputs = input_paths(stage, values)
        require_targets(section, stage.name)
        if section.get("engine", ENGINES[0]) not in ENGINES:
            raise unknown_engine(section["engine"], f"{stage.name}.engine")
    except ConfigError as error:
        if error.where and error.where.split(".")[0] == stage.name:
            error = type(error)(
                error.what,
                where=_locate(root, error.where.split(".")),
                got=error.got,
                allowed=error.allowed,
                hint=error.hint,
            )
        raise error from None
    return {"inputs": inputs, **section} if inputs else section


def _require_target(root: Path, params: Mapping[str, Any]) -> None:
    """Hold the plan's target against the schema, where one is declared."""
    target, columns = params["plan"]["target"], params["validate"]["columns"]
    if not columns:  # `fivefold schema infer` is still to come, and validate will say so
        return
    marked = [name for name, column in columns.items() if column["role"] == "target"]
    if marked != [target]:
        raise PlanError(
            "the plan's target is not the schema's",
            where=_locate(root, ["plan", "target"]),
            got=f"target: {target}; with role: target in conf/schema.yaml: {marked or 'none'}",
            allowed=None if target in columns else list(columns),
            hint=nearest(target, columns) if target not in columns else "give one column the role",
        )


def _overrides(root: Path) -> list[str]:
    path = root / OVERRIDES
    if not path.is_file():
        return []
    values = load_yaml_file(path, OVERRIDES)
    if values is None:
        return []
    if not isinstance(values, dict):
        raise ConfigError(
            "the overrides are a mapping of names to values",
            where=OVERRIDES,
            got=values,
            allowed="for example, model: forest",
        )
    groups = _groups(root)
    # ++ sets a value whether or not conf/ has it; an unknown key is refused with its type later.
    # A group that is null stands there only so that `dvc exp run -S` can set it.
    return [
        f"{name}={value}" if name.partition("@")[0] in groups else f"++{name}={value}"
        for name, value in _flat(values)
        if value != "null" or name.partition("@")[0] not in groups
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    # `dvc exp run -S overrides.yaml:train.seed=9` writes nested mappings; Hydra takes dotted names.
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, _quoted(value)


def _quoted(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(_quoted(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, str) and not re.fullmatch(r"[\w./-]+", value):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return str(value)


def _hydra(root: Path, overrides: list[str]) -> dict[str, Any]:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    conf = root / CONF
    if not (conf / "config.yaml").is_file():
        raise PipelineError(
            "the project has no conf/config.yaml", where=str(root), hint="git checkout conf"
        )
    for path in sorted(conf.rglob("*.yaml")):
        load_yaml_file(path, path.relative_to(root).as_posix())  # Hydra's own errors name no line
        _refuse_unstable(path, root)
    try:
        with _quiet(), initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            tree = hydra_compose("config", overrides=overrides)
        resolved = OmegaConf.to_container(tree, resolve=True, throw_on_missing=True)
    except MissingConfigException as error:
        raise _missing(root, error) from None
    except (ConfigCompositionException, HydraException) as error:
        raise ConfigError(
            "conf/ can't be composed",
            where=f"{OVERRIDES} or the defaults in conf/config.yaml" if overrides else "conf/",
            got=_first_lines(error),
        ) from None
    except OmegaConfBaseException as error:
        key = str(error.full_key or "").split(".")
        raise ConfigError(
            _first_lines(error).splitlines()[0], where=_locate(root, key), got=error.full_key
        ) from None
    return dict(resolved)  # type: ignore[arg-type]


@contextmanager
def _quiet() -> Iterator[None]:
    """Start and leave without Hydra's global state, so that one process can compose twice."""
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().clear()


def _missing(root: Path, error: Any) -> FivefoldError:
    wanted = str(error.missing_cfg_file or "")
    group, _, option = wanted.rpartition("/")
    options = list(error.options or [])
    return ConfigError(
        f"the group {group!r} has no option {option!r}" if options else f"no config {wanted!r}",
        where=_locate(root, ["defaults", group.rpartition("/")[2] or wanted]),
        got=option or wanted,
        allowed=options or None,
        hint=nearest(option, options),
    )


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__
    if cause is not None and str(cause) not in str(error):
        lines += [line.strip() for line in str(cause).splitlines() if line.strip()]
    return "\n".join(lines[:4])


def _refuse_unstable(path: Path, root: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        value = line.partition("#")[0].rstrip()
        if value.endswith("???"):
            # Merged over a default, Hydra's mark of a missing value would change nothing, unsaid.
            raise ConfigError(
                "a value is required and missing",
                where=f"{path.relative_to(root).as_posix()}:{number}",
                got=value.strip(),
                hint="set it",
            )
        found = _UNSTABLE.search(value)
        if found:
            raise ConfigError(
                "the value would depend on the machine or the moment, and so would the results",
                where=f"{path.relative_to(root).as_posix()}:{number}",
                got=found.group(0),
                allowed="literals, and ${key} of another value in conf/",
                hint="read secrets and hosts from the environment where they are used",
            )


def _refuse_hand_edit(root: Path, params: Mapping[str, Any], text: str) -> None:
    path = root / PARAMS
    expected = locked_outputs(root).get(PARAMS)
    if expected is None or not path.is_file() or file_md5(path) == expected:
        return
    if path.read_text(encoding="utf-8") == text:
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


def _locate(root: Path, path: list[str]) -> str:
    """Name the file and line in ``conf/`` that sets a value, or the value's dotted name."""
    dotted = ".".join(path)
    best, place = 0, dotted
    for file in [root / OVERRIDES, *sorted((root / CONF).rglob("*.yaml"))]:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        package = re.match(r"\s*#\s*@package\s+(\S+)", text)
        inside = package is not None and package.group(1) == path[0]
        depth, line = deepest(text, path[1:] if inside else path)
        if line is not None and depth + inside > best:
            best = depth + inside
            place = f"{file.relative_to(root).as_posix()}:{line} ({dotted})"
    return place
