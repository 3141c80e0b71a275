"""Studies for people: one self-contained page, tables for the terminal, the winner as runnable code."""

from paceline.reporting.page import write_report
from paceline.reporting.tables import recipe_code, table_of

__all__ = ["recipe_code", "table_of", "write_report"]
