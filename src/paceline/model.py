"""A finished model: plain weights, how raw rows become inputs and outputs become labels, and nothing that trains.

model = study.model()
model.predict(frame)            # raw rows: missing values and unknown categories are fine
model.save("beans-model")       # model.safetensors + recipe.json
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data import Inputs, Subset, TargetEncoder, Task, inputs_from_json
from paceline.errors import ModelError, UserError
from paceline.hyperparameters import Hyperparameters, loss_name
from paceline.net import Family, Spec, Variables, family

Array = NDArray[np.float32]

FORMAT, FORMAT_1 = "paceline-model", "paceline-dense"
"""What a recipe calls itself; version 1 put the kind of its net there."""
VERSION = 2
WEIGHTS_FILE, RECIPE_FILE = "model.safetensors", "recipe.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A trained net with its encoders.

    Attributes:
        family: kind of the net.
        config: all hyperparameters it was trained with.
        params, statistics: arrays in nested dicts and lists, in real sizes; see the family's `init`.
        inputs: encodes raw rows.
        target: encodes targets, and decodes the net's outputs.
    """

    family: Family
    config: Hyperparameters
    params: Any
    statistics: Any
    inputs: Inputs
    target: TargetEncoder

    @property
    def spec(self) -> Spec:
        """What the net knows of its data; a finished net has no rows."""
        return Spec(self.inputs.sample, self.inputs.dtype, self.target.n_outputs, str(self.target.task), 1, 1)

    @property
    def classes(self) -> tuple[Any, ...]:
        """Labels in the order of `predict_proba`'s columns; () for regression."""
        return self.target.classes

    def outputs(self, rows: Any) -> Array:
        """(n, outputs) raw outputs of the net; `rows` as in `predict`."""
        variables = Variables(self.params, self.statistics)
        return self.family.predict(self.config, self.spec, variables, self.inputs.transform(rows))

    def predict(self, rows: Any) -> NDArray[Any]:
        """Labels or numbers.

        Args:
            rows: raw rows of the training's kind. For a table: a table with the training table's feature columns
                (typed or all text), an array with its columns in order, or one or several {column: value}. Missing
                values and unknown categories are fine.

        Returns:
            (n,) labels; (n, labels) 0/1 for multi-label; (n,) or (n, targets) numbers for regression.

        Raises:
            DataError: a column is missing, or a cell isn't of its column's kind.
        """
        return self.target.decode(self.outputs(rows))

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """(n, classes) probabilities in the order of `classes`; (n, labels) for multi-label.

        Raises:
            ModelError: for regression, which has none.
        """
        return self.target.probabilities(self.outputs(rows), loss_name(self.config, str(self.target.task)))

    def evaluate(self, rows: Any, target: Any = None) -> dict[str, float]:
        """Metrics on labelled rows, by the functions of `sklearn.metrics`.

        Args:
            rows: a part of a data set (`data.test`), or rows as in `predict` with their `target`.
        """
        if isinstance(rows, Subset):
            rows, target = rows.features, rows.target
        elif target is None:
            names = self.target.names
            missing = [name for name in names if name not in getattr(rows, "columns", ())]
            if missing:
                raise ModelError(f"the rows to evaluate need the target column {missing[0]!r}, or `target=`.")
            target = rows[names[0]] if len(names) == 1 else rows[list(names)]
        return measured(self, rows, target)

    def save(self, folder: str | Path) -> Path:
        """Write `model.safetensors` and `recipe.json` into a folder, made if need be."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = named_arrays(self.params) | named_arrays(self.statistics, RUNNING)
        content = {
            "format": FORMAT,
            "version": VERSION,
            "net": self.family.name,
            "hyperparameters": dataclasses.asdict(self.config),
            "inputs": self.inputs.to_json(),
            "target": self.target.to_json(),
        }
        save_file(arrays, folder / f".{WEIGHTS_FILE}")
        (folder / f".{RECIPE_FILE}").write_text(json.dumps(content, indent=1), encoding="utf-8")
        for name in (WEIGHTS_FILE, RECIPE_FILE):
            (folder / f".{name}").replace(folder / name)
        return folder


def load_model(folder: str | Path) -> Model:
    """A model that `Model.save` wrote, or the model that a study delivers, by the study's folder.

    Raises:
        ModelError: there is none, or it is damaged or from a newer version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = Path(folder)
    places = (folder, folder / "best", folder / "final" / "best")
    folder = next((place for place in places if (place / RECIPE_FILE).exists()), folder)
    try:
        content = json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8"))
        arrays = load_file(folder / WEIGHTS_FILE)
    except FileNotFoundError as error:
        raise ModelError(
            f"a model folder holds {WEIGHTS_FILE} and {RECIPE_FILE}, but {error.filename!r} is missing."
        ) from None
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"the model in {str(folder)!r} can't be read ({str(error).splitlines()[0]}).") from None
    if not isinstance(content, dict) or content.get("format") not in (FORMAT, FORMAT_1):
        raise ModelError(f"{str(folder / RECIPE_FILE)!r} isn't a Paceline model.")
    version = content.get("version")
    if not isinstance(version, int):
        raise ModelError(
            f"the model in {str(folder)!r} is damaged (its version must be a whole number, not {version!r})."
        )
    if version > VERSION:
        raise ModelError(f"the model in {str(folder)!r} has version {version}, newer than {VERSION}; update Paceline.")
    try:
        net = family(content["net"] if version > 1 else FORMAT_1.removeprefix("paceline-"))
        config = net.resolve(_without_nothing(content["hyperparameters"]))
        params, statistics = trees_of(arrays)
        inputs, target = _encoders(content)
        return Model(net, config, params, statistics, inputs_from_json(inputs), TargetEncoder.from_json(target))
    except (AttributeError, KeyError, TypeError, IndexError, ValueError, UserError) as error:
        raise ModelError(f"the model in {str(folder)!r} is damaged ({error}).") from None


RUNNING = "running_"
"""Begins the last part of a statistic's name, e.g. "0.running_mean"; a weight is named "0.kernel"."""


def named_arrays(tree: Any, prefix: str = "") -> dict[str, Array]:
    """The arrays of nested dicts and lists by their paths.

    >>> sorted(named_arrays([{"kernel": np.ones(2)}, {"bias": np.ones(1)}]))
    ['0.kernel', '1.bias']
    """
    found: dict[str, Array] = {}
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    for name, part in items:
        if isinstance(part, Mapping | list | tuple):
            found |= {f"{name}.{path}": array for path, array in named_arrays(part, prefix).items()}
        else:
            found[f"{prefix}{name}"] = np.asarray(part, order="C")  # ascontiguousarray would turn 0-d into 1-d
    return found


def trees_of(arrays: Mapping[str, Array]) -> tuple[Any, Any]:
    """(params, statistics) that `named_arrays` took apart."""
    trees: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for path, array in arrays.items():
        *parents, name = path.split(".")
        place = trees[name.startswith(RUNNING)]
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name.removeprefix(RUNNING)] = array
    return _listed(trees[0]), _listed(trees[1])


def _listed(tree: Any) -> Any:
    """Dicts whose keys are 0, 1, 2, ... become lists."""
    if not isinstance(tree, dict):
        return tree
    parts = {name: _listed(part) for name, part in tree.items()}
    if parts and all(name.isdigit() for name in parts):
        return [parts[str(index)] for index in range(len(parts))]
    return parts


def _encoders(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Inputs and target as JSON data; version 1 kept both of them in one part, the recipe, of tables only."""
    if content["version"] > 1:
        return content["inputs"], content["target"]
    recipe = content["recipe"]
    target = {name: recipe[f"target_{name}"] for name in ("names", "mean", "scale")}
    return {"kind": "table", **recipe}, {**recipe, **target}


def _without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def measured(model: Model, rows: Any, target: Any) -> dict[str, float]:
    """Metrics of a model's predictions; see `Model.evaluate`."""
    from sklearn import metrics

    predicted = model.predict(rows)
    task = model.target.task
    if task is Task.REGRESSION:
        true = np.asarray(target, np.float64).reshape(predicted.shape)
        return {
            "rmse": float(metrics.root_mean_squared_error(true, predicted)),
            "mae": float(metrics.mean_absolute_error(true, predicted)),
            "r2": float(metrics.r2_score(true, predicted)),
        }
    encoded = model.target.encode(target)
    proba = model.predict_proba(rows)
    if task is Task.MULTILABEL:
        wrong = float((predicted != (encoded > 0.5)).mean())
        return {"error": wrong, "accuracy": 1 - wrong, "log_loss": _log_loss(encoded, proba)}
    true_index = (encoded[:, 0] > 0.5).astype(np.int64) if task is Task.BINARY else encoded.argmax(axis=1)
    predicted_index = _index_of(model.classes, predicted)
    present = np.unique(true_index)
    accuracy = float((true_index == predicted_index).mean())
    average = "binary" if task is Task.BINARY else "macro"
    result = {
        "accuracy": accuracy,
        "error": 1 - accuracy,
        "balanced_accuracy": float(np.mean([(predicted_index[true_index == c] == c).mean() for c in present])),
        "f1": float(metrics.f1_score(true_index, predicted_index, average=average, zero_division=0)),
        "log_loss": float(metrics.log_loss(true_index, proba, labels=np.arange(len(model.classes)))),
    }
    if len(present) == len(model.classes):
        scores = proba[:, 1] if task is Task.BINARY else proba
        result["auc"] = float(metrics.roc_auc_score(true_index, scores, multi_class="ovr"))
    return result


def _log_loss(truth: Array, proba: NDArray[np.float64]) -> float:
    p = np.clip(proba, 1e-15, 1 - 1e-15)
    return float(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)).sum(axis=1).mean())


def _index_of(classes: tuple[Any, ...], labels: NDArray[Any]) -> NDArray[np.int64]:
    places = {label: index for index, label in enumerate(np.array(classes).tolist())}
    return np.array([places[label] for label in labels.tolist()], np.int64)
