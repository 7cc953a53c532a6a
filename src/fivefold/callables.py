"""Functions that ``conf/`` names by ``_target_``: found, held against their parameters, called."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.errors import ConfigError, DataError, FivefoldError, nearest

__all__ = ["Call", "call_of", "relocated", "require_target", "siblings"]


@dataclass(frozen=True)
class Call:
    """A function and the keyword arguments that ``conf/`` gives it.

    Attributes
    ----------
    name : str
        The dotted name, as declared.
    function : callable
        What it names.
    arguments : mapping
        What it is called with.
    declared : mapping
        The part of it that stands in ``conf/``: all keys but ``_target_``.
    where : str
        The place in ``conf/``, for messages.
    """

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    declared: Mapping[str, Any]
    where: str

    def __call__(self, *inputs: Any, error: type[FivefoldError] = DataError) -> Any:
        """Call the function; whatever it raises becomes one error that names it.

        Parameters
        ----------
        *inputs : object
            Positional arguments, before the declared ones.
        error : type
            What a foreign exception is turned into.

        Raises
        ------
        FivefoldError
            The function's own, with the place in ``conf/`` added, or ``error``.
        """
        try:
            return self.function(*inputs, **self.arguments)
        except FivefoldError as raised:
            raise relocated(raised, f"{self.where} ({self.name})") from raised
        except Exception as raised:
            raise error(
                f"the function raised {type(raised).__name__}: {raised}",
                where=f"{self.where} ({self.name})",
                hint="call it by hand in Python to see where",
            ) from raised


def relocated(error: FivefoldError, where: str) -> FivefoldError:
    """Give the same error with the place of its cause before what it names itself."""
    place = f"{where}, {error.where}" if error.where else where
    return type(error)(
        error.what, where=place, got=error.got, allowed=error.allowed, hint=error.hint
    )


def require_target(declared: Mapping[str, Any], where: str) -> str:
    """Give the dotted name of a declaration.

    Raises
    ------
    ConfigError
        There is none.
    """
    name = declared.get("_target_")
    if not isinstance(name, str) or "." not in name.strip("."):
        raise ConfigError(
            "a function must be named by _target_",
            where=where,
            got=name if name is not None else ", ".join(map(str, declared)) or "nothing",
            allowed="a dotted name, such as fivefold.data.sources.local_file",
        )
    return name


def call_of(
    declared: Mapping[str, Any],
    where: str,
    inputs: int = 0,
    offered: Mapping[str, Any] | None = None,
) -> Call:
    """Find the function that a declaration names, and check that it takes the arguments given.

    Parameters
    ----------
    declared : mapping
        ``_target_`` and keyword arguments.
    where : str
        The place in ``conf/``.
    inputs : int
        How many positional arguments will come before the declared ones.
    offered : mapping, optional
        Arguments for a function that has a parameter of the name, where none is declared.

    Raises
    ------
    ConfigError
        The name leads nowhere or to something that can't be called, or an argument is unknown or
        missing.
    """
    name = require_target(declared, where)
    function = _found(name, f"{where}._target_")
    given = {str(key): value for key, value in declared.items() if key != "_target_"}
    if not callable(function):
        raise ConfigError(
            "the name is not of a function",
            where=f"{where}._target_",
            got=f"{name} ({type(function).__name__})",
        )
    signature = _signature(function)
    arguments = {
        **{k: v for k, v in (offered or {}).items() if signature and k in signature.parameters},
        **given,
    }
    if signature:
        _require_bindable(signature, name, arguments, where, inputs)
    return Call(name, function, arguments, given, where)


def _found(name: str, where: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        known = [candidate for candidate in siblings(name) if candidate != name]
        raise ConfigError(
            f"nothing is found under this name ({error})",
            where=where,
            got=name,
            hint=nearest(name, known) or "is the module in src/, or its package installed?",
        ) from None
    except Exception as error:
        raise ConfigError(
            f"importing it raised {type(error).__name__}: {error}", where=where, got=name
        ) from error


def siblings(name: str) -> list[str]:
    """Name what could have been meant: the public members of the longest prefix that imports."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:length])
        try:
            module = importlib.import_module(prefix)
        except ImportError:
            continue
        members = getattr(module, "__all__", None) or dir(module)
        inner = [info.name for info in pkgutil.iter_modules(getattr(module, "__path__", []))]
        rest = parts[length + 1 :]
        public = [member for member in (*members, *inner) if member[0] != "_"]
        return [".".join([prefix, member, *rest]) for member in public]
    return []


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # a built-in that doesn't say what it takes
        return None


def _require_bindable(
    signature: inspect.Signature, name: str, arguments: Mapping[str, Any], where: str, inputs: int
) -> None:
    try:
        signature.bind(*[None] * inputs, **arguments)
    except TypeError as error:
        parameters = list(signature.parameters.values())[inputs:]
        known = [item.name for item in parameters if item.kind is not item.VAR_KEYWORD]
        unknown = next((key for key in arguments if key not in known), None)
        raise ConfigError(
            f"the function can't be called so: {error}",
            where=f"{where}.{unknown}" if unknown else where,
            got=f"{name}({', '.join(arguments)})",
            allowed=known or "no parameters",
            hint=nearest(unknown, known) if unknown else None,
        ) from None
