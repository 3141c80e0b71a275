"""What a study found, for people: one HTML page that needs nothing else, rows for a terminal, a recipe to run.

All of it is read from records, never trained or measured here, and is a pure function of them: the same records
give the same bytes.
"""

from paceline.reporting.code import recipe_code
from paceline.reporting.nested_page import write_nested_report
from paceline.reporting.page import drawn_curves, write_report
from paceline.reporting.tables import table_of

__all__ = ["drawn_curves", "recipe_code", "table_of", "write_nested_report", "write_report"]
