"""A model in one ONNX file: what is accepted, and how it scores a table.

The export proves its file with this, and monitoring scores with it, so both see what a service
sees; scikit-learn is not imported. A file is refused before it is run if it points to other files
or names operators that the ONNX standard does not have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.errors import DataError, ModelError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DOMAINS", "OnnxModel", "reason_to_refuse"]

# The standard's own operators: the general ones and those of classical machine learning.
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})

# Rows scored at a time: what is held beside the table stays small, whatever its length.
BATCH_ROWS = 65_536

_NUMBER = "tensor(float)"
_STRING = "tensor(string)"


class OnnxModel:
    """A model that onnxruntime runs, with the methods of a fitted scikit-learn estimator.

    Parameters
    ----------
    data : bytes
        An ONNX file: one input of shape (n_rows, 1) per feature, float32 or string; outputs are
        the label and the scores of the classes, or the predicted value.
    where : str
        The file's name, for messages.

    Attributes
    ----------
    inputs : dict of str to str
        The features in the model's order, each "number" or "string".
    outputs : tuple of str
        The outputs' names.
    metadata : dict of str to str
        What the export wrote beside the graph: project, task, target, features, classes, scores,
        threshold.
    classes_ : ndarray of shape (n_classes,) or None
        The classes, in the order of the scores' columns; None for regression.
    scores : {"probabilities", "decisions", "none"}
        What the second output of a classifier holds.
    threshold : float
        Two classes: from this probability on, the label is the positive one.

    Raises
    ------
    ModelError
        The bytes are not an ONNX model, or one that is not safe or not self-contained.
    """

    def __init__(self, data: bytes, where: str = "models/model.onnx") -> None:
        import onnxruntime

        reason = reason_to_refuse(data)
        if reason is not None:
            raise ModelError(
                "the ONNX model is refused",
                where=where,
                got=reason,
                allowed="one file, with the standard's own operators only",
                hint="dvc repro export",
            )
        options = onnxruntime.SessionOptions()
        # One thread adds a forest's trees in one order, so scores are the same on every machine.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no public class
            raise ModelError(
                "onnxruntime can't load the model",
                where=where,
                got=str(error).splitlines()[0],
                hint="dvc repro export, with the environment that is installed now",
            ) from error
        kinds = {_NUMBER: "number", _STRING: "string"}
        self.inputs: dict[str, str] = {}
        for item in self._session.get_inputs():
            if item.type not in kinds:
                raise ModelError(
                    "an input's type is unknown", where=item.name, got=item.type, allowed=kinds
                )
            self.inputs[item.name] = kinds[item.type]
        self.outputs = tuple(item.name for item in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        classes = json.loads(self.metadata.get("classes", "null"))
        self.classes_: NDArray[Any] | None = None if classes is None else _class_array(classes)
        self.scores = self.metadata.get("scores", "none")
        self.threshold = float(self.metadata.get("threshold", "0.5"))

    def __repr__(self) -> str:
        return f"OnnxModel({len(self.inputs)} features -> {', '.join(self.outputs)})"

    def run(self, features: Any) -> list[NDArray[Any]]:
        """Run the graph and give its outputs as they are.

        Parameters
        ----------
        features : mapping of str to array-like, or pandas.DataFrame
            A column of shape (n_rows,) per input, of any order, with more columns or not. Numbers
            are cast to float32, NaN where missing; strings are empty where missing.

        Returns
        -------
        list of ndarray
            Each of shape (n_rows,) or (n_rows, n_columns).

        Raises
        ------
        DataError
            A feature is absent, or not of the model's type.
        """
        columns = self._columns(features)
        parts = [
            self._session.run(None, {name: values[rows] for name, values in columns.items()})
            for rows in _batches(len(next(iter(columns.values()))))
        ]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]

    def predict(self, features: Any) -> NDArray[Any]:
        """Predict the class or the value of each row, shape (n_rows,)."""
        first = self.run(features)[0].reshape(-1)
        return first.astype(np.float64) if self.classes_ is None else self.labels(first)

    def labels(self, output: NDArray[Any]) -> NDArray[Any]:
        """Give the graph's labels as the classes' own type, which ONNX may not have."""
        return output.reshape(-1).astype(np.asarray(self.classes_).dtype)

    @property
    def predict_proba(self) -> Callable[[Any], NDArray[Any]]:
        """The function that gives probabilities, shape (n_rows, n_classes)."""
        if self.scores != "probabilities":
            # As scikit-learn's available_if: callers ask with hasattr.
            raise AttributeError("the model gives no probabilities")
        return lambda features: self.run(features)[1].astype(np.float64)

    @property
    def decision_function(self) -> Callable[[Any], NDArray[Any]]:
        """The function that gives decision values, (n_rows,) or (n_rows, n_classes)."""
        if self.scores != "decisions":
            raise AttributeError("the model gives no decision values")
        return lambda features: decisions(self.run(features)[1]).astype(np.float64)

    def _columns(self, features: Any) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {}
        known = [str(name) for name in features]
        for name, kind in self.inputs.items():
            if name not in known:
                raise DataError(
                    f"the table has no column {name!r}, which the model needs",
                    where="features",
                    allowed=known,
                    hint=nearest(name, known),
                )
            values = np.asarray(features[name])
            try:
                typed = values.astype(np.float32 if kind == "number" else object)
            except (TypeError, ValueError):
                raise DataError(
                    "the column is not of the model's type",
                    where=name,
                    got=str(values.dtype),
                    allowed=kind,
                ) from None
            columns[name] = typed.reshape(-1, 1)
        return columns


def decisions(output: NDArray[Any]) -> NDArray[Any]:
    """Give a classifier's raw scores the shape that scikit-learn's ``decision_function`` has."""
    flat = output.reshape(len(output), -1)
    return flat[:, -1] if flat.shape[1] <= 2 else flat


def _class_array(classes: list[Any]) -> NDArray[Any]:
    strings = any(isinstance(item, str) for item in classes)
    return np.array(classes, dtype=object) if strings else np.array(classes)


def _batches(n_rows: int) -> Iterator[slice]:
    # An empty table runs once, so that the outputs have their types and columns.
    for start in range(0, max(n_rows, 1), BATCH_ROWS):
        yield slice(start, start + BATCH_ROWS)


def reason_to_refuse(data: bytes) -> str | None:
    """Say why an ONNX file must not be run, or give None.

    External data has allowed reading any file of the machine more than once (CVE-2022-25882,
    CVE-2024-27318), and an operator outside the standard needs a library that is not in the file.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        return f"{len(data):,} bytes that are not an ONNX model"
    if not model.HasField("graph"):
        return f"{len(data):,} bytes that hold no ONNX graph"
    if len(model.functions) or len(model.training_info):
        return "functions or training information, which a scoring model does not need"
    for node in _nodes(model.graph):
        if node.domain not in DOMAINS:
            return f"the operator {node.op_type} of the domain {node.domain!r}"
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
            return f"the tensor {tensor.name!r}, which is kept in another file"
    return None


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
                yield from _nodes(inner)


def _tensors(graph: Any) -> Iterator[Any]:
    graphs = [graph]
    while graphs:
        current = graphs.pop()
        yield from current.initializer
        for sparse in current.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in current.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
                graphs.extend(attribute.graphs)
                if attribute.HasField("g"):
                    graphs.append(attribute.g)
