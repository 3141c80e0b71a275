"""What a search begins with: the usual configuration, and what the net's family offers.

    usual        the defaults of the net, trial 0
    portfolio    a few configurations that served other data; see `Family.portfolio`

A space that lacks a value gets the middle of its scale there.
"""

from paceline.hyperparameters import Hyperparameters
from paceline.records import Params
from paceline.space import Space
from paceline.space.points import point_of


def usual_point(space: Space, usual: Hyperparameters) -> Params:
    """What is trained by default, as far as the space holds it; elsewhere middles of scales and first choices."""
    return point_of(space, {name: getattr(usual, name) for name in space.names})
