"""From a section of plain values to the stage's frozen dataclass, with types and bounds checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from omegaconf import OmegaConf, flag_override
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedValueType,
    ValidationError,
)

from fivefold.errors import ConfigError, nearest

__all__ = ["typed"]


def typed(cls: type, values: Mapping[str, Any], section: str) -> Any:
    """Build a stage's config from a section of ``params.yaml`` or of the composed tree.

    Parameters
    ----------
    cls : type
        A frozen dataclass.
    values : mapping
        Plain values, as YAML gives them.
    section : str
        The section's name, for messages.

    Returns
    -------
    object
        An instance of ``cls``.

    Raises
    ------
    ConfigError
        An unknown or missing key, a wrong type, a value out of bounds.
    """
    try:
        schema = OmegaConf.structured(cls)
        plain = dict(values)
        with flag_override(schema, "readonly", False):
            for name, value in _nested(cls, values, section).items():
                schema[name] = value
                del plain[name]
        return OmegaConf.to_object(OmegaConf.merge(schema, plain))
    except (ConfigKeyError, ConfigAttributeError) as error:
        path = _path(section, error)
        name = path.rpartition(".")[2]
        known = _known(cls, _below(section, path)[:-1])
        raise ConfigError(
            f"unknown key {name!r}", where=path, got=name, allowed=known, hint=nearest(name, known)
        ) from None
    except MissingMandatoryValue as error:
        path = _path(section, error)
        raise ConfigError(
            "a value is required and missing",
            where=path,
            got="???",
            hint=f"set {path} in conf/",
        ) from None
    except (ValidationError, UnsupportedValueType) as error:
        path = _path(section, error)
        got = _value_at(values, _below(section, path))
        message = str(error.msg or error).splitlines()[0].strip()
        if "Cannot convert 'ListConfig'" in message:  # OmegaConf's own class, not a user's word
            message = "a list stands where one value is expected"
        raise ConfigError(
            message,
            where=path,
            got=got,
            allowed=_allowed_type(cls, _below(section, path)),
        ) from None
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0], where=_path(section, error)) from None


def _nested(cls: type, values: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Build the dataclasses inside, alone, in a list or in a mapping, where values are given.

    OmegaConf marks the node of a frozen dataclass read-only, and so merges nothing into a nested
    one; an instance in its place it takes. What has the wrong shape is left for it to refuse.
    """
    built: dict[str, Any] = {}
    for name, hint in get_type_hints(cls).items():
        if name not in values:
            continue
        value, path = values[name], f"{section}.{name}"
        inner = _step(hint, "") if get_args(hint) else hint
        if not is_dataclass(inner) or not isinstance(inner, type):
            continue
        origin = get_origin(hint)
        if origin is dict and isinstance(value, Mapping):
            if all(isinstance(item, Mapping) for item in value.values()):
                built[name] = {
                    key: typed(inner, item, f"{path}.{key}") for key, item in value.items()
                }
        elif origin is list and isinstance(value, list):
            if all(isinstance(item, Mapping) for item in value):
                built[name] = [
                    typed(inner, item, f"{path}.{index}") for index, item in enumerate(value)
                ]
        elif origin is not dict and isinstance(value, Mapping):
            built[name] = typed(inner, value, path)
    return built


def _path(section: str, error: OmegaConfBaseException) -> str:
    full_key = str(error.full_key or error.key or "").replace("[", ".").replace("]", "")
    return f"{section}.{full_key}".rstrip(".") if full_key else section


def _below(section: str, path: str) -> list[str]:
    return [key for key in path.removeprefix(section).split(".") if key]


def _step(hint: Any, key: str) -> Any:
    """Give the type of what stands below a key: a field, or a mapping's or list's values."""
    if is_dataclass(hint):
        return get_type_hints(hint).get(key)
    arguments = [argument for argument in get_args(hint) if argument is not type(None)]
    return arguments[-1] if arguments else None


def _known(cls: Any, path: list[str]) -> list[str]:
    for key in path:
        cls = _step(cls, key)
    return [item.name for item in fields(cls)] if is_dataclass(cls) else []


def _allowed_type(cls: Any, path: list[str]) -> str | None:
    for key in path:
        cls = _step(cls, key)
    if cls is None:
        return None
    return cls.__name__ if isinstance(cls, type) and not get_args(cls) else str(cls)


def _value_at(values: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(values, Mapping) and key in values:
            values = values[key]
        elif isinstance(values, list) and key.isdigit() and int(key) < len(values):
            values = values[int(key)]
        else:
            return None
    return values
