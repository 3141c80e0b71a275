"""Studies: propose, train together, judge, keep, report. The one place where all parts meet."""

from paceline.study.nested import NestedStudy
from paceline.study.progress import Progress
from paceline.study.public import load_study, resume, run_settings, tune
from paceline.study.study import Study, StudyInterrupted

__all__ = ["NestedStudy", "Progress", "Study", "StudyInterrupted", "load_study", "resume", "run_settings", "tune"]
