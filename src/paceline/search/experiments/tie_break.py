"""Which of several trials with the same best score to select: ties are broken by the model's leave-one-out mean.

Errors on a small validation part are coarse. After a hundred trials a dozen often share the least one, and which of
them came first says nothing; how well configurations like it did says something. So a Gaussian process, whatever the
method was, predicts each from all others. It decides between equals alone: no prediction beats a better score.
"""

from paceline.records import History, Trial, loss_of
from paceline.search.surrogate.score_model import ScoreModel
from paceline.space import Space


def tied_with_best(history: History) -> list[int]:
    """Positions of the trials that have the best finite score; with objectives beside it, of the best one alone."""
    best = history.best()
    if best is None:
        return []
    sign = -1.0 if history.goal == "maximize" else 1.0
    least = loss_of(best, sign)
    return [i for i, t in enumerate(history) if t is best or (not best.costs and loss_of(t, sign) == least)]


def select_best(history: History, space: Space) -> Trial | None:
    """The best trial; of several with the same score, the one of which the others let expect most.

    Args:
        history: all that is known; running trials say nothing.
        space: where it was searched. Of equals outside of it nothing is known.

    Returns:
        None without a finite score. Where there are objectives beside the score, the first of equals.
    """
    best, places = history.best(), tied_with_best(history)
    if len(places) < 2:
        return best
    expected = ScoreModel(space).loo_means(history)
    known = [place for place in places if place in expected]
    return history.trials[min(known, key=lambda place: (expected[place], place))] if known else best
