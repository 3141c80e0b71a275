"""Tables into data sets: reading, kinds of columns, tasks, splits, folds, encoders, class weights.

data = load("beans.csv", target="Class")
fold = data.fold()                       # x_train, y_train, x_dev, y_dev and what encodes them, leak-free
"""

from paceline.data.builtin import DATASETS
from paceline.data.dataset import Dataset, Fold, Subset
from paceline.data.inputs import Inputs, inputs_from_json, register_inputs
from paceline.data.loading import load
from paceline.data.outer import check_outer, outer_fold, without_test
from paceline.data.schema import Column, Task
from paceline.data.source import Source
from paceline.data.split import Split, SplitSettings
from paceline.data.table_inputs import TableInputs
from paceline.data.table_source import TableSource
from paceline.data.target_encoder import TargetEncoder
from paceline.data.weights import class_weights

__all__ = [
    "DATASETS",
    "Column",
    "Dataset",
    "Fold",
    "Inputs",
    "Source",
    "Split",
    "SplitSettings",
    "Subset",
    "TableInputs",
    "TableSource",
    "TargetEncoder",
    "Task",
    "check_outer",
    "class_weights",
    "inputs_from_json",
    "load",
    "outer_fold",
    "register_inputs",
    "without_test",
]
