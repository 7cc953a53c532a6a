"""The tree that Hydra composes from ``conf/``, the menu and the overrides, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fivefold.errors import ConfigError, FivefoldError, PipelineError, nearest
from fivefold.pipeline.places import CONF, OVERRIDES, locate
from fivefold.pipeline.project import load_yaml_file

__all__ = ["groups", "resolved_tree"]

# Resolvers whose value depends on the machine or the moment would be baked into params.yaml.
_UNSTABLE = re.compile(r"\$\{(oc\.env|now|hydra|env|uuid|random)[:.}]")


def resolved_tree(root: Path) -> dict[str, Any]:
    """Compose the tree as ``conf/`` and the overrides declare it, without the stages' defaults.

    Raises
    ------
    ConfigError
        An unknown group or value; an override that does not parse.
    """
    return _hydra(root, _overrides(root))


def groups(root: Path) -> list[str]:
    """Name the config groups: the project's own and the menu's."""
    menu = Path(__file__).parent.parent / CONF
    return sorted(
        {item.name for folder in (root / CONF, menu) for item in folder.glob("*") if item.is_dir()}
        - {"__pycache__"}
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
    known = groups(root)
    # ++ sets a value whether or not conf/ has it; an unknown key is refused with its type later.
    # A group that is null stands there only so that `dvc exp run -S` can set it.
    return [
        f"{name}={value}" if name.partition("@")[0] in known else f"++{name}={value}"
        for name, value in _flat(values)
        if value != "null" or name.partition("@")[0] not in known
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
            _first_lines(error).splitlines()[0], where=locate(root, key), got=error.full_key
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
        where=locate(root, ["defaults", group.rpartition("/")[2] or wanted]),
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
