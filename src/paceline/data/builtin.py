"""The small data sets that scikit-learn carries, by name: real data for a first try, no download."""

from typing import Any

import pandas as pd

DATASETS = ("digits", "breast-cancer", "wine", "iris", "diabetes")


def read_builtin(name: str) -> pd.DataFrame:
    """The features and, last, the column "target": names of classes where there are names, else numbers."""
    from sklearn import datasets

    loaders: dict[str, Any] = {
        "digits": datasets.load_digits,
        "breast-cancer": datasets.load_breast_cancer,
        "wine": datasets.load_wine,
        "iris": datasets.load_iris,
        "diabetes": datasets.load_diabetes,
    }
    bunch = loaders[name]()
    frame = pd.DataFrame(bunch.data, columns=[str(feature) for feature in bunch.feature_names])
    named = name not in ("digits", "diabetes")
    frame["target"] = [str(bunch.target_names[code]) for code in bunch.target] if named else bunch.target
    return frame
