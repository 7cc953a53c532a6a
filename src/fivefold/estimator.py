"""Fitted estimators in files: skops, made so that equal models give equal bytes.

skops writes memory addresses (as ``__id__`` of every node and as names of the array files), random
names (of byte strings) and the time of writing into its archive. They are replaced here: nodes are
numbered in the order they stand in, arrays are named by their content, the clock is fixed, and the
unused bytes between the fields of a tree's nodes are zero. What may be loaded is decided by lists
on our side, never by the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fivefold.errors import ModelError

__all__ = ["TRUSTED_TYPES", "Float32Cast", "read_estimator", "untrusted_types", "write_estimator"]

# What the menu's estimators need beyond what skops trusts by itself. Trees hold node indices that
# scikit-learn follows unchecked: trusted because dvc.lock vouches for the file's bytes first.
TRUSTED_TYPES: tuple[str, ...] = (
    "collections.OrderedDict",
    "collections.defaultdict",
    "fivefold.decided.Decided",
    "fivefold.estimator.Float32Cast",
    "fivefold.groupthresholds.GroupThresholds",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)

_SCHEMA = "schema.json"
# The earliest time that a zip archive can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Float32Cast(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Cast numbers to 32-bit floats, so that scikit-learn and ONNX see the same ones.

    A tree fitted on 64-bit numbers puts thresholds where a 32-bit copy of a feature may fall on the
    other side; fitted behind this cast, both runtimes compare equal numbers.
    """

    def fit(self, X: Any, y: Any = None) -> Float32Cast:  # noqa: ARG002, N803
        """Learn the number and names of the features, shape (n_samples, n_features)."""
        self._checked(X, reset=True)
        return self

    def transform(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:  # noqa: N803
        """Give the numbers as float32, shape (n_samples, n_features); NaN stays NaN."""
        check_is_fitted(self)
        return self._checked(X, reset=False)

    def _checked(self, X: Any, *, reset: bool) -> np.ndarray[Any, np.dtype[np.float32]]:  # noqa: N803
        checked: np.ndarray[Any, np.dtype[np.float32]] = validate_data(
            self, X, dtype=np.float32, ensure_all_finite="allow-nan", reset=reset
        )
        return checked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def write_estimator(estimator: Any, path: Path, trusted: Sequence[str] = ()) -> None:
    """Write a fitted estimator; equal estimators give equal bytes in any process.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator.
    path : Path
        The file to write.
    trusted : sequence of str
        Dotted names of types that :func:`read_estimator` will be told to trust.

    Raises
    ------
    ModelError
        skops can't keep the estimator, or it holds a type that reading would refuse.
    """
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        given = skops.io.dumps(estimator)
    except (UnsupportedTypeException, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            "the estimator can't be kept as a skops file",
            where=type(estimator).__name__,
            got=str(error) or type(error).__name__,
            hint="use module-level functions, not lambdas; see the skops documentation on "
            "persistence for what it can keep",
        ) from error
    data = _canonical(given)
    refused = untrusted_types(data, trusted)
    if refused:
        raise _untrusted(refused, str(path))
    path.write_bytes(data)


def read_estimator(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read a fitted estimator that holds only types we trust.

    Parameters
    ----------
    path : Path
        A file of :func:`write_estimator`.
    trusted : sequence of str
        Dotted names of types to trust beyond :data:`TRUSTED_TYPES`.

    Returns
    -------
    object
        The estimator.

    Raises
    ------
    ModelError
        The file is not a whole skops file, or holds a type that is not trusted.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    data = path.read_bytes()
    try:
        return skops.io.loads(data, trusted=[*TRUSTED_TYPES, *trusted])
    except UntrustedTypesFoundException as error:
        raise _untrusted(untrusted_types(data, trusted), str(path)) from error
    except zipfile.BadZipFile as error:
        raise ModelError(
            "the file is not a skops archive",
            where=str(path),
            got="a pickle, which is never loaded"
            if data[:1] == b"\x80"
            else f"{len(data):,} bytes, {error}",
            allowed="a file that fivefold's train stage wrote",
            hint="dvc checkout, or dvc repro train",
        ) from error
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        zipfile.LargeZipFile,
    ) as error:
        # A crafted or foreign archive can fail anywhere while its objects are put together.
        raise ModelError(
            "the skops file can't be read",
            where=str(path),
            got=f"{type(error).__name__}: {error}",
            hint="dvc repro train, with the environment that is installed now",
        ) from error


def untrusted_types(data: bytes, trusted: Iterable[str] = ()) -> list[str]:
    """Name the types in a skops file that neither we nor ``trusted`` trust, sorted."""
    import skops.io

    found = set(skops.io.get_untrusted_types(data=data))
    return sorted(found - set(TRUSTED_TYPES) - set(trusted))


def _untrusted(names: list[str], where: str) -> ModelError:
    return ModelError(
        "the model holds types that are not trusted",
        where=where,
        got=", ".join(names),
        hint="if you know where they come from, add to conf/:\n"
        + "\n".join(["train:", "  trusted_types:", *(f"    - {name}" for name in names)]),
    )


def _canonical(data: bytes) -> bytes:
    """Rewrite a skops archive without addresses, random names and clock."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        contents = {name: _without_padding(archive.read(name)) for name in archive.namelist()}
    schema = json.loads(contents.pop(_SCHEMA))
    names = {
        name: f"{hashlib.sha256(content).hexdigest()[:32]}{Path(name).suffix}"
        for name, content in contents.items()
    }
    _Numbering(names).visit(schema)
    files = {names[name]: content for name, content in contents.items()}
    buffer = io.BytesIO()
    # Stored, not deflated: zlib's bytes differ between its builds.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name])
        text = json.dumps(schema, separators=(",", ":"))
        archive.writestr(_entry(_SCHEMA), text)
    return buffer.getvalue()


def _without_padding(content: bytes) -> bytes:
    """Zero the bytes between the fields of a record array (a tree's nodes), which hold anything."""
    if not content.startswith(b"\x93NUMPY") or b"|V" not in content[:1024]:
        return content
    given = np.load(io.BytesIO(content), allow_pickle=False)
    if given.dtype.names is None:
        return content
    clean = np.zeros(given.shape, given.dtype)
    for name in given.dtype.names:
        clean[name] = given[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = 3  # the archive's "made on", which Windows would set otherwise
    return entry


class _Numbering:
    """Replace each address by the number of its first visit."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self._numbers: dict[object, int] = {}

    def visit(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self.visit(item)
        elif isinstance(node, dict):
            if node.get("__loader__") == "SetNode":
                # A set of strings comes in another order in every process.
                node["content"].sort(key=_without_addresses)
            if "__id__" in node and "__loader__" in node:
                node["__id__"] = self._number(node)
            if isinstance(node.get("file"), str) and node["file"] in self._names:
                node["file"] = self._names[node["file"]]
            for item in node.values():
                self.visit(item)

    def _number(self, node: dict[str, Any]) -> int:
        # Whether two equal constants are one object depends on the process (interning, a model that
        # was read and not fitted), so they are told apart by what they hold.
        constant = node["__loader__"] == "JsonNode"
        key = ("json", node["content"]) if constant else ("object", node["__id__"])
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def _without_addresses(node: Any) -> str:
    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: plain(value) for key, value in item.items() if key != "__id__"}
        return [plain(value) for value in item] if isinstance(item, list) else item

    return json.dumps(plain(node), sort_keys=True)
