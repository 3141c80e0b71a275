"""Search spaces: parameters (Float, Int, Choice, Fixed), their conditions, and the Space they span."""

from paceline.space.choices import Choice, Fixed
from paceline.space.parameter import Parameter
from paceline.space.ranges import Float, Int
from paceline.space.space import Slot, Space

__all__ = ["Choice", "Fixed", "Float", "Int", "Parameter", "Slot", "Space"]
