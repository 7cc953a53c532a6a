"""A fitted pipeline as one ONNX file, the same bytes in any process."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from fivefold.decided import Decided, inner
from fivefold.deploy.converters import register, register_boosting
from fivefold.errors import ExportError
from fivefold.onnxmodel import reason_to_refuse

if TYPE_CHECKING:
    from fivefold.objective import Objective
    from fivefold.table import TableSchema

__all__ = ["ML_OPSET", "converted", "final_estimator", "named", "plain_values", "scores_of"]

# Version 3 has every operator that is written here, and runtimes of the last years read it.
ML_OPSET = 3

_BOOSTING = ("lightgbm", "xgboost")


def converted(estimator: Any, schema: TableSchema, objective: Objective, opset: int) -> bytes:
    """Convert a fitted pipeline, preprocessing included.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator that takes the schema's features by name.
    schema : TableSchema
        Its features become inputs of shape (n_rows, 1): float32, or strings.
    objective : Objective
        What the metadata says of the model.
    opset : int
        The version of the general operators.

    Returns
    -------
    bytes
        One file, without external data, with the standard's operators only. Outputs of a
        classifier: ``label`` (n_rows,) and ``probabilities`` or ``decisions`` (n_rows, n_classes);
        of a regression: ``value`` (n_rows, 1).

    Raises
    ------
    ExportError
        A class has no converter, or the result would not be self-contained.
    """
    register()
    for module in _boosting_in(estimator):
        _register_boosting(module)
    numeric = set(schema.numeric_features)
    types = [
        (name, FloatTensorType([None, 1]) if name in numeric else StringTensorType([None, 1]))
        for name in schema.features
    ]
    model = _convert(estimator, types, objective, opset)
    scores = scores_of(estimator, objective)
    outputs = ["label", scores] if objective.is_classification else ["value"]
    _rename(model.graph, schema.features, outputs)
    model.doc_string = f"{objective.name}: predicts {objective.target}"
    onnx.helper.set_model_props(model, _metadata(estimator, schema, objective, scores))
    # Imports that no node uses would ask a runtime for operators that nobody needs.
    used = {node.domain for node in model.graph.node} | {""}
    kept = [item for item in model.opset_import if item.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(sorted(kept, key=lambda item: str(item.domain)))
    data: bytes = model.SerializeToString(deterministic=True)
    reason = reason_to_refuse(data)
    if reason is not None:
        raise ExportError(
            "the ONNX model would not be self-contained",
            where="models/model.onnx",
            got=reason,
            allowed="the operators of the ONNX standard",
            hint=f"choose another estimator than {named(final_estimator(estimator))}",
        )
    return data


def final_estimator(estimator: Any) -> Any:
    """Give the last step of a pipeline, or the estimator itself."""
    return final_estimator(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def named(thing: Any) -> str:
    """Give the dotted name of an object's class; of a decided classifier, of the one inside.

    Examples
    --------
    >>> named({})
    'builtins.dict'
    """
    cls = type(inner(thing))
    return f"{cls.__module__}.{cls.__qualname__}"


def scores_of(estimator: Any, objective: Objective) -> str:
    """Say what a classifier gives beside the label: probabilities, decisions or none."""
    if not objective.is_classification:
        return "none"
    return "probabilities" if hasattr(estimator, "predict_proba") else "decisions"


def plain_values(items: Iterable[Any]) -> list[Any]:
    """Give NumPy scalars as JSON's own types."""
    return [item.item() if hasattr(item, "item") else item for item in items]


def _metadata(
    estimator: Any, schema: TableSchema, objective: Objective, scores: str
) -> dict[str, str]:
    values: dict[str, Any] = {
        "project": objective.name,
        "task": objective.task,
        "target": objective.target,
        "features": json.dumps(schema.features, ensure_ascii=False),
        "scores": scores,
    }
    if objective.is_classification:
        values["classes"] = json.dumps(plain_values(estimator.classes_), ensure_ascii=False)
        if objective.task == "binary" and scores == "probabilities":
            final = final_estimator(estimator)
            decided = final.threshold if isinstance(final, Decided) else None
            values["threshold"] = repr(0.5 if decided is None else float(decided))
    return values


def _convert(estimator: Any, types: list[Any], objective: Objective, opset: int) -> Any:
    final = final_estimator(estimator)
    last: NameError | None = None
    for options in _options(estimator, final):
        try:
            with warnings.catch_warnings():
                # skl2onnx 1.20 hands NumPy's booleans to protobuf as integers.
                warnings.simplefilter("ignore", DeprecationWarning)
                # It asks support vector machines for what scikit-learn 1.9 deprecates.
                warnings.simplefilter("ignore", FutureWarning)
                return convert_sklearn(
                    estimator,
                    name=objective.name,  # skl2onnx would draw one at random
                    initial_types=types,
                    target_opset={"": opset, "ai.onnx.ml": ML_OPSET},
                    options={id(final): options} if options else None,
                )
        except NameError as error:
            # skl2onnx's answer to an option that the class's converter doesn't have.
            last = error
        except (MissingConverter, MissingShapeCalculator) as error:
            raise _no_converter(estimator, error) from error
        except (
            ArithmeticError,
            AssertionError,
            AttributeError,
            ImportError,
            LookupError,
            NotImplementedError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            raise ExportError(
                "the pipeline can't be converted to ONNX",
                where=named(final),
                got=f"{type(error).__name__}: {_first_line(error)}",
                hint="choose another estimator in conf/, or a setting of this one that "
                "skl2onnx knows: https://onnx.ai/sklearn-onnx/supported.html",
            ) from error
    raise ExportError("the pipeline can't be converted to ONNX", where=named(final), got=str(last))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return lines[0][:200]


def _options(estimator: Any, final: Any) -> Iterator[Mapping[str, Any]]:
    """Give the options to try: scores as a plain tensor, and raw without probabilities."""
    if is_classifier(final):
        raw = {} if hasattr(estimator, "predict_proba") else {"raw_scores": True}
        yield {"zipmap": False, **raw}
        if raw:
            yield raw
            yield {"zipmap": False}
    yield {}


def _no_converter(estimator: Any, error: Exception) -> ExportError:
    words = str(error)
    culprit = next(
        (
            named(part)
            for part in _parts(estimator)
            if named(part) in words or f"Sklearn{type(part).__name__}'" in words
        ),
        named(final_estimator(estimator)),
    )
    return ExportError(
        "a class of the pipeline has no ONNX converter",
        where=culprit,
        got=culprit,
        allowed="what skl2onnx supports: https://onnx.ai/sklearn-onnx/supported.html",
        hint="choose another estimator or step in conf/, or register a converter with "
        "skl2onnx.update_registered_converter in your package",
    )


def _parts(estimator: Any) -> Iterator[Any]:
    """Give an estimator and all that it is made of, the innermost last."""
    yield estimator
    if hasattr(estimator, "get_params"):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit"):
                yield value


def _boosting_in(estimator: Any) -> list[str]:
    roots = {type(part).__module__.partition(".")[0] for part in _parts(estimator)}
    return [module for module in _BOOSTING if module in roots]


def _register_boosting(module: str) -> None:
    try:
        register_boosting(module)
    except ImportError as error:
        raise ExportError(
            f"an estimator of {module} needs onnxmltools to be exported",
            where="export",
            got=str(error),
            hint="pip install 'fivefold[boosting]'",
        ) from error


def _rename(graph: Any, inputs: list[str], outputs: list[str]) -> None:
    """Give the graph's inputs the features' names, which skl2onnx makes into identifiers."""
    taken = set(inputs)
    fresh: dict[str, str] = {
        item.name: name for item, name in zip(graph.input, inputs, strict=True)
    }
    for item, name in zip(graph.output, outputs, strict=True):
        fresh[item.name] = _free(name, taken)
    for name in sorted(_names(graph)):
        if name not in fresh and name in taken:
            fresh[name] = _free(name, taken)
    _apply(graph, fresh)
    for item in (*graph.input, *graph.output):
        item.name = fresh.get(item.name, item.name)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _names(graph: Any) -> set[str]:
    names = {item.name for item in graph.initializer}
    for node in graph.node:
        names.update(node.input, node.output)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _names(attribute.g)
    return names - {""}


def _apply(graph: Any, fresh: Mapping[str, str]) -> None:
    for item in graph.initializer:
        item.name = fresh.get(item.name, item.name)
    for node in graph.node:
        for names in (node.input, node.output):
            renamed = [fresh.get(name, name) for name in names]
            del names[:]
            names.extend(renamed)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                # Inner graphs see the outer one's values by name.
                _apply(attribute.g, fresh)
