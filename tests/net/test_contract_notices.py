"""The contract of a family notices mistakes: each of these families has one."""

from typing import Any

import jax
import numpy as np
import pytest
from elementwise_scale import ElementwiseScale

from paceline.net import Arguments, Masks, Spec, Variables
from paceline.testing import FamilyContract


class SeedIgnored(ElementwiseScale):
    def init(self, config: Any, spec: Spec, seed: int) -> Variables:
        return super().init(config, spec, 0)


class Nameless(tuple[int, int]):
    def __repr__(self) -> str:
        return "a shape"


class VagueShape(ElementwiseScale):
    def shape(self, config: Any, spec: Spec) -> Any:
        return Nameless(super().shape(config, spec))


class LossyUnpad(ElementwiseScale):
    def unpad(self, shape: Any, config: Any, spec: Spec, padded: Variables) -> Variables:
        return Variables(jax.tree.map(lambda a: a.astype(np.float16).astype(np.float32), padded.params), {})


class Padded(ElementwiseScale):
    """One more column of the kernel, of a value."""

    value = 0.0

    def pad(self, shape: Any, config: Any, spec: Spec, variables: Variables) -> Variables:
        kernel = np.pad(variables.params["kernel"], ((0, 0), (0, 1)), constant_values=self.value)
        return Variables({**variables.params, "kernel": kernel}, {})

    def unpad(self, shape: Any, config: Any, spec: Spec, padded: Variables) -> Variables:
        return Variables({**padded.params, "kernel": padded.params["kernel"][:, :-1]}, {})

    def apply(
        self, shape: Any, weights: Any, statistics: Any, x: Any, arguments: Any, *, row_weights: Any, key: Any
    ) -> Any:
        z = (x * weights["scale"]) @ weights["kernel"]
        return z[:, :-1] + weights["bias"] + self.leak(z[:, -1:]), statistics

    def leak(self, padding: Any) -> Any:
        """What of the padding reaches the outputs."""
        return 0 * padding


class PaddedWithOnes(Padded):
    value = 1.0


class PaddingTrained(Padded):
    def leak(self, padding: Any) -> Any:
        return padding


class FloatKinds(ElementwiseScale):
    def arguments(self, config: Any, spec: Spec, shape: Any) -> Arguments:
        return Arguments((), np.zeros(1, np.float32))


class ArgumentsOfAnySize(ElementwiseScale):
    def arguments(self, config: Any, spec: Spec, shape: Any) -> Arguments:
        return Arguments(np.zeros(spec.train_rows), ())


class MaskMissing(ElementwiseScale):
    def masks(self, shape: Any) -> Masks:
        plain = super().masks(shape)
        return plain._replace(bias={"bias": 1.0})


class PredictsOtherwise(ElementwiseScale):
    def predict(self, config: Any, spec: Spec, variables: Variables, x: Any) -> Any:
        return super().predict(config, spec, variables, x) + 1e-3


MISTAKES = {
    SeedIgnored: "test_a_seed_says_the_first_weights",
    VagueShape: "test_a_shape_is_pure_and_its_repr_tells_it_from_others",
    LossyUnpad: "test_unpadding_gives_back_what_was_padded_bit_for_bit",
    PaddedWithOnes: "test_padding_is_zero",
    FloatKinds: "test_equal_shapes_have_arrays_of_equal_trees_sizes_and_dtypes",
    ArgumentsOfAnySize: "test_equal_shapes_have_arrays_of_equal_trees_sizes_and_dtypes",
    MaskMissing: "test_masks_are_trees_like_the_weights_and_broadcast_to_them",
    PredictsOtherwise: "test_a_padded_net_equals_the_net",
    PaddingTrained: "test_padding_stays_zero_in_training",
}


@pytest.mark.compiles
@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_breaks_its_law(kind: type[ElementwiseScale]) -> None:
    contract = type("Contract", (FamilyContract,), {"family": kind(), "tasks": ("regression",)})()
    with pytest.raises(AssertionError):
        getattr(contract, MISTAKES[kind])()


@pytest.mark.parametrize("law", sorted(set(MISTAKES.values())))
@pytest.mark.compiles
def test_a_padded_family_without_a_mistake_keeps_them(law: str) -> None:
    contract = type("Contract", (FamilyContract,), {"family": Padded(), "tasks": ("regression",)})()
    getattr(contract, law)()
