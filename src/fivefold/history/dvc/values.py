"""Metrics and params files: parsed, and flattened to dotted names.

The suffix decides the format as in DVC: ``.json``, ``.toml``, ``.py``, anything else is YAML 1.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from fivefold.history.dvc.blocks import Blocks

__all__ = ["FileValues", "MalformedError", "flatten", "lookup", "parse", "same", "select"]


class MalformedError(ValueError):
    """A metrics, params or lock file that its format's parser refuses."""


class _Loader(yaml.CSafeLoader):
    """libyaml's parser with YAML 1.2's scalars, which is what DVC reads: ``no`` is a string."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read an integer; a leading zero doesn't make it octal."""
        text = str(self.construct_scalar(node)).replace("_", "")
        sign = -1 if text.startswith("-") else 1
        text = text.lstrip("+-")
        base = {"0b": 2, "0o": 8, "0x": 16}.get(text[:2])
        return sign * (int(text[2:], base) if base else int(text))


# Patterns of YAML 1.2 as ruamel.yaml, DVC's parser, resolves them.
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    (
        "float",
        r"""^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
        |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
        |[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
        |[-+]?\.(?:inf|Inf|INF)
        |\.(?:nan|NaN|NAN))$""",
        "-+0123456789.",
    ),
    (
        "int",
        r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+)$",
        "-+0123456789",
    ),
    ("merge", r"^<<$", "<"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    (
        "timestamp",
        r"""^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}
        |[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?
        :[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9]{2})?))?)$""",
        "0123456789",
    ),
    ("value", r"^=$", "="),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern, re.VERBOSE), list(_first)
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def _load(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506  a subclass of the safe loader


_BLOCKS = Blocks(_load)


def parse(data: bytes, path: str) -> Any:
    """Parse a file's bytes in the format that its suffix names.

    Parameters
    ----------
    data : bytes
        The whole file, UTF-8.
    path : str
        Where it came from: gives the format, and the place in the error.

    Returns
    -------
    object
        What the file holds; an empty file is an empty mapping, as in DVC.

    Raises
    ------
    MalformedError
        Where the bytes aren't of that format.
    """
    suffix = path.rsplit(".", 1)[-1].lower()
    try:
        text = data.decode()
        if suffix == "json":
            value = json.loads(text)
        elif suffix == "toml":
            # Few repositories keep metrics or params so; the parser takes 3 ms to import.
            import tomllib

            value = tomllib.loads(text)
        elif suffix == "py":
            # Only a repository that keeps its params in Python pays for DVC's import.
            from dvc.utils.serialize import parse_py

            value = parse_py(text, path)
        else:
            value = _BLOCKS.parse(text)
    except UnicodeDecodeError as error:
        raise MalformedError(f"{path} is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise MalformedError(f"{path} is nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MalformedError(f"{path}{line}: {error.problem or 'not YAML'}") from error
    except (ValueError, yaml.YAMLError) as error:
        first = (str(error).splitlines() or ["malformed"])[0]
        raise MalformedError(f"{path}: {first}") from error
    except Exception as error:
        # DVC's own errors can't be named here without importing it.
        if type(error).__module__.partition(".")[0] != "dvc":
            raise
        raise MalformedError(str(error)) from error
    return {} if value is None else value


def flatten(value: Any) -> dict[str, Any]:
    """Give every leaf by its dotted name; lists are leaves.

    A file that holds a single value and no mapping has it under the empty name.

    Examples
    --------
    >>> flatten({"train": {"loss": 0.5, "steps": [1, 2]}})
    {'train.loss': 0.5, 'train.steps': [1, 2]}
    """
    return dict(_leaves(value, ""))


def _leaves(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield prefix, value
        return
    for key, inner in value.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(inner, Mapping):
            yield from _leaves(inner, name)
        else:
            yield name, inner


def lookup(value: Any, name: str) -> Any:
    """Find a nested value by its dotted name.

    Raises
    ------
    KeyError
        Where there is none.
    """
    if isinstance(value, Mapping) and name in value:
        return value[name]
    for part in name.split("."):
        if isinstance(value, Mapping):
            # YAML allows keys that aren't strings; a dotted name can only spell them.
            if part in value:
                value = value[part]
                continue
            spelt = {str(key): inner for key, inner in value.items()}
            if part in spelt:
                value = spelt[part]
                continue
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
            continue
        raise KeyError(name)
    return value


def select(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Keep of flattened values those named, or under a section named; no names keep all."""
    if not names:
        return dict(values)
    return {
        key: value
        for key, value in values.items()
        if any(key == name or key.startswith(f"{name}.") for name in names)
    }


def same(left: Any, right: Any) -> bool:
    """Compare two values as a reader would: NaN equals NaN, ``true`` is not 1.

    Examples
    --------
    >>> same(float("nan"), float("nan")), same(1, 1.0), same(True, 1)
    (True, True, False)
    """
    if left is right:
        return True
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, float) and isinstance(right, float) and left != left and right != right:
        return True
    return bool(left == right)


class FileValues:
    """A metrics or params file as a revision has it.

    Parameters
    ----------
    raw : object
        As parsed, nested.
    error : str, optional
        Why it couldn't be read.
    missing : bool, default=False
        Whether it is declared, but not there.
    names : tuple of str
        The names that are tracked, with what is under them; none means all.
    """

    __slots__ = ("_names", "_values", "error", "missing", "raw")

    def __init__(
        self,
        raw: Any = None,
        error: str | None = None,
        *,
        missing: bool = False,
        names: tuple[str, ...] = (),
    ) -> None:
        self.raw = {} if raw is None else raw
        self.error = error
        self.missing = missing
        self._names = names
        self._values: dict[str, Any] | None = None

    @property
    def values(self) -> Mapping[str, Any]:
        """The values by dotted name; empty where there is an error."""
        if self._values is None:
            # Most files of a long history are asked for one value only.
            self._values = {} if self.error else select(flatten(self.raw), self._names)
        return self._values
