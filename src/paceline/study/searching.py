"""What a study gives its method, and what it puts around it.

    beginning    options: what an earlier study found, and configurations to begin with
    searcher     first configurations, then the method, whose proposals ask for few programs at first
    stopper      the settings' one, or the method's own

What a method takes and needs is said by its attributes (`search.base`), so a new method changes nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paceline.errors import SettingsError
from paceline.hyperparameters import Hyperparameters
from paceline.net import Family
from paceline.records import Params
from paceline.search import Searcher, Stopper, make_searcher, make_stopper, searcher_type
from paceline.search.methods.few_programs import FewPrograms, Need
from paceline.search.methods.initial_points import InitialPoints
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.space.points import point_of
from paceline.study.warm import RUN_FIRST, translated_results

COMPILING_SECONDS = 5.0
"""Of a core, for one program."""

STEP_SECONDS, MULTIPLY_ADDS_A_SECOND = 9e-5, 4e9
"""Of a core: what a training step takes however small the net, and how many multiply-adds of the forward pass it trains
a second. A small net's steps are nearly all overhead, a large one's nearly all multiply-adds."""


def share_of_compiling(rows: int, batch: int, operations: int, folds: int) -> float:
    """Seconds that an epoch of training takes as a share of those that compiling its program takes, roughly.

    Args:
        rows: of the train part; batch: rows a step; operations: multiply-adds of one row, forwards.
        folds: that a trial is trained on.
    """
    steps = -(-rows // batch)
    return folds * (steps * STEP_SECONDS + rows * operations / MULTIPLY_ADDS_A_SECOND) / COMPILING_SECONDS


def searcher_of(
    settings: StudySettings, space: Space, plan: Mapping[str, Any], earlier: Mapping[str, Any] | None, net: Family,
    need: Need,
) -> Searcher:  # fmt: skip
    """The method of a study with all that it begins with.

    Args:
        plan: the method's options as the user gave them; they go before the study's own.
        earlier: what an older study found; see `study.warm`. net: kind of the nets.
        need: see `search.methods.few_programs`.

    Raises:
        SettingsError: a wrong option, or a warm start of a method that runs its own list.
    """
    options = {**beginning(settings, space, earlier, net), **plan}
    first = options.pop("first", ())
    searcher = make_searcher(settings.method, space, seed=settings.seed, **options)
    if earlier is not None and searcher.only_fixed:
        raise SettingsError(
            f"method {settings.method!r} runs its own list, so a warm start has no place in it; choose another."
        )
    if searcher.draws_freely and any(slot.name in net.static for slot in space.slots):
        searcher = FewPrograms(searcher, need, net.static)
    if not first:
        return searcher
    return InitialPoints(searcher, first, {} if "first" in plan else sources_of(space, earlier, net))


def beginning(settings: StudySettings, space: Space, earlier: Mapping[str, Any] | None, net: Family) -> dict[str, Any]:
    """Options of the method that say what it knows or tries before its own proposals."""
    kind = searcher_type(settings.method)
    usual = [usual_point(space, net.resolve({}))] if kind.begins_with_usual else []
    if earlier is None:
        return {"first": usual}
    known = translated_results(earlier, space, net.resolve({}))
    if not known:
        raise SettingsError(
            f"no configuration of the study {earlier['from']!r} lies in the new search space; widen the space, "
            "or leave the warm start out."
        )
    first = {space.key(point): point for point in [*(point for point, _ in known[:RUN_FIRST]), *usual]}
    return {"first": list(first.values())} | ({"earlier": known} if kind.learns_from_earlier else {})


def usual_point(space: Space, usual: Hyperparameters) -> Params:
    """What is trained by default, as far as the space holds it; elsewhere middles of scales and first choices."""
    return point_of(space, {name: getattr(usual, name) for name in space.names})


def sources_of(space: Space, earlier: Mapping[str, Any] | None, net: Family) -> dict[str, str]:
    """Where the first configurations that `beginning` names come from, by `space.key`."""
    usual = net.resolve({})
    older = [] if earlier is None else translated_results(earlier, space, usual)[:RUN_FIRST]
    return {space.key(usual_point(space, usual)): "default"} | {space.key(point): "warm start" for point, _ in older}


def stopper_of(settings: StudySettings, searcher: Searcher, inherited: list[str]) -> Stopper:
    """The settings' stopper, or the own one of a method that ends trials itself.

    Args: inherited: hyperparameters that the copy of a trial may not change.
    """
    assert settings.stopper is not None  # resolved
    method = searcher.unwrapped
    if method.no_stopper and settings.stopper != "none":
        raise SettingsError(f"{method.no_stopper}, so `stopper` must be 'none', but got {settings.stopper!r}.")
    own = method.stopper(settings.epochs, inherited)
    if own is not None:
        return own
    return make_stopper(settings.stopper, epochs=settings.epochs, **settings.stopper_options)
