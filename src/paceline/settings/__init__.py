"""The study file: all settings of a study in one checked model.

data: beans.csv
target: Class
minutes: 5
search:
  learning_rate: {low: 1e-4, high: 1e-1, scale: log}
"""

from paceline.settings.models import StudySettings, auto_method
from paceline.settings.names import with_usual_names
from paceline.settings.schema import json_schema
from paceline.settings.study_file import dump_settings, load_mapping, load_settings

__all__ = [
    "StudySettings",
    "auto_method",
    "dump_settings",
    "json_schema",
    "load_mapping",
    "load_settings",
    "with_usual_names",
]
