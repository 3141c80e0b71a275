"""Tables into data sets: reading, kinds of columns, tasks, splits, folds, recipes, class weights.

data = load("beans.csv", target="Class")
fold = data.fold()                       # x_train, y_train, x_dev, y_dev and the recipe, leak-free
"""

from paceline.data.builtin import DATASETS
from paceline.data.dataset import Dataset, Fold, Subset
from paceline.data.loading import load
from paceline.data.outer import check_outer, outer_fold, without_test
from paceline.data.recipe import Recipe
from paceline.data.schema import Column, Task
from paceline.data.split import Split, SplitSettings
from paceline.data.weights import class_weights

__all__ = [
    "DATASETS",
    "Column",
    "Dataset",
    "Fold",
    "Recipe",
    "Split",
    "SplitSettings",
    "Subset",
    "Task",
    "check_outer",
    "class_weights",
    "load",
    "outer_fold",
    "without_test",
]
