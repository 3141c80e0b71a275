"""The contract that a new family of nets must pass.

    class TestMyNet(FamilyContract):
        family = MY_NET

Every law of `paceline.net.base` is one test. Tests that compile a program bear the marker `compiles`; where pytest runs
with strict markers, register it. Nets and data are tiny, but a program takes seconds to compile, so only the first
`TRAINED` of `configs` are trained.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from paceline.model import RUNNING, named_arrays, trees_of
from paceline.net import Family, Masks, Spec, Variables, family_names, register
from paceline.pack.cpu import CpuLanes
from paceline.pack.device import DevicePack
from paceline.pack.executor import Executor
from paceline.pack.folds import FoldArrays, FoldData, fold_data
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial, prepare
from paceline.records import COLUMNS, Params
from paceline.runs import shared_programs
from paceline.testing.outcomes import measured, train
from paceline.training.arguments import default_metric
from paceline.training.program import CHUNK

Array = NDArray[np.float32]

TRAINED = 2
EPOCHS = 3
TRAIN_ROWS, DEV_ROWS = 70, CHUNK + 188
"""Neither is a multiple of what is taken at once: batches, and chunks of an evaluation."""
OUTPUTS_OF = {"binary": 1, "classes": 3, "multilabel": 2, "regression": 2}


class FamilyContract:
    """The laws of `Family`. Name the `family`; where the defaults don't suit it, override what stands below.

    Attributes:
        sample: shape of one row's input; dtype: of the inputs.
        tasks: targets that its nets may have; a program is compiled for each.
    """

    family: ClassVar[Family]
    sample: ClassVar[tuple[int, ...]] = (5,)
    dtype: ClassVar[str] = "float32"
    tasks: ClassVar[tuple[str, ...]] = ("classes", "regression")

    def configs(self) -> list[Params]:
        """Configurations that every law holds for; the first `TRAINED` of them are trained.

        Here the defaults, and three draws of the family's space. Each shape among those trained costs programs.
        """
        space, rng = self.family.space(self.spec(self.tasks[0])), np.random.default_rng(0)
        return [{}, *(space.sample(rng) for _ in range(3))]

    def inputs(self, rng: np.random.Generator, rows: int) -> NDArray[Any]:
        """(rows, *sample) inputs: normal numbers; bytes for an unsigned kind, small numbers for another whole one."""
        if np.issubdtype(self.dtype, np.integer):
            below = 256 if np.issubdtype(self.dtype, np.unsignedinteger) else 10
            return rng.integers(0, below, (rows, *self.sample)).astype(self.dtype)
        return rng.normal(size=(rows, *self.sample)).astype(self.dtype)

    def deviations(self, config: Any, spec: Spec) -> Mapping[str, float]:
        """Standard deviation that drawn weights are to have, by their path, e.g. "0.kernel"; here none is stated."""
        return {}

    def larger(self, shape: Any) -> Any:
        """A shape with more padding that holds the same nets; None where there is none."""
        return None

    # -- what may be asked without a program

    def test_a_shape_is_pure_and_its_repr_tells_it_from_others(self) -> None:
        shapes = [self.family.shape(config, spec) for config, spec in self._cases()]
        again = [self.family.shape(config, spec) for config, spec in self._cases()]
        assert shapes == again and [hash(shape) for shape in shapes] == [hash(shape) for shape in again]
        assert [repr(shape) for shape in shapes] == [repr(shape) for shape in again]
        assert len({repr(shape) for shape in shapes}) == len(set(shapes))

    def test_equal_shapes_have_arrays_of_equal_trees_sizes_and_dtypes(self) -> None:
        found: dict[Any, tuple[Any, ...]] = {}
        for config, spec in self._cases():
            shape = self.family.shape(config, spec)
            padded = self.family.pad(shape, config, spec, self.family.init(config, spec, 0))
            arguments = self.family.arguments(config, spec, shape)
            parts = tuple(_layout(tree) for tree in (padded, arguments, self.family.masks(shape)))
            assert found.setdefault((shape, self.family.sample(spec)), parts) == parts, config
            assert all(np.asarray(kind).dtype == np.int32 for kind in jax.tree.leaves(arguments.kinds)), config

    def test_masks_are_trees_like_the_weights_and_broadcast_to_them(self) -> None:
        for config, spec in self._cases():
            shape = self.family.shape(config, spec)
            weights = self.family.pad(shape, config, spec, self.family.init(config, spec, 0)).params
            for name, mask in self.family.masks(shape)._asdict().items():
                assert _structure(mask) == _structure(weights), name
                for part, leaf in zip(jax.tree.leaves(mask), jax.tree.leaves(weights), strict=True):
                    assert np.broadcast_shapes(np.shape(part), np.shape(leaf)) == np.shape(leaf), name

    def test_unpadding_gives_back_what_was_padded_bit_for_bit(self) -> None:
        for config, spec in self._cases():
            shape = self.family.shape(config, spec)
            given = _random_like(self.family.init(config, spec, 0))
            back = self.family.unpad(shape, config, spec, self.family.pad(shape, config, spec, given))
            assert _bits(back) == _bits(given), config

    def test_padding_is_zero(self) -> None:
        for config, spec in self._cases():
            zeros = jax.tree.map(np.zeros_like, self.family.init(config, spec, 0))
            padded = self.family.pad(self.family.shape(config, spec), config, spec, zeros)
            assert not any(np.any(leaf) for leaf in jax.tree.leaves(padded.params)), config

    def test_a_seed_says_the_first_weights(self) -> None:
        for config, spec in self._cases():
            first = self.family.init(config, spec, 3)
            assert _bits(self.family.init(config, spec, 3)) == _bits(first), config
            assert _bits(self.family.init(config, spec, 4)) != _bits(first), config
            for leaf in jax.tree.leaves(first):
                assert np.asarray(leaf).dtype == np.float32 and np.isfinite(leaf).all(), config

    def test_first_weights_spread_as_they_should(self) -> None:
        for config, spec in self._cases():
            nets = [named_arrays(self.family.init(config, spec, seed).params) for seed in range(30)]
            for name, expected in self.deviations(config, spec).items():
                values = np.concatenate([net[name].ravel() for net in nets]).astype(np.float64)
                error = np.sqrt(0.5 / len(values))  # of a normal sample's deviation, as a share of it
                assert abs(np.sqrt((values**2).mean()) / expected - 1) < 5 * error, (name, config)
                assert abs(values.mean()) < 5 * expected / np.sqrt(len(values)), (name, config)

    def test_a_saved_net_is_read_back(self) -> None:
        for config, spec in self._cases():
            net = _random_like(self.family.init(config, spec, 0))
            found = trees_of(named_arrays(net.params) | named_arrays(net.statistics, RUNNING))
            assert _bits(found) == _bits(tuple(net)), config

    def test_sizes_are_whole_and_positive(self) -> None:
        for config, spec in self._cases():
            for name, value in self.family.size(config, spec)._asdict().items():
                assert isinstance(value, int) and value > 0, (name, config)

    # -- what a program shows

    @pytest.mark.compiles
    def test_a_padded_net_equals_the_net(self) -> None:
        for params, task in product(self.configs()[:TRAINED], self.tasks):
            config, spec = self._config(params, task), self.spec(task)
            variables = self.family.init(config, spec, 5)
            x = self.inputs(np.random.default_rng(2), 40)
            expected = self.family.predict(config, spec, variables, x)
            assert expected.shape == (40, spec.outputs) and np.isfinite(expected).all()
            shape = self.family.shape(config, spec)
            for padding in (shape, self.larger(shape)):
                if padding is not None:
                    outputs = self._outputs(padding, config, spec, variables, x)
                    np.testing.assert_allclose(outputs[:, : spec.outputs], expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.compiles
    def test_padding_stays_zero_in_training(self) -> None:
        with CpuLanes(shared_programs(), 1) as executor:
            for trial in self._trials(executor):
                (outcome,) = train(executor, [trial], EPOCHS)
                state, net = outcome.state, trial.shape.net
                now, best = state.optimizer, Variables(state.best_weights, state.best_statistics)
                for weights in (now.weights, now.m, now.v, best.params):
                    padded = Variables(weights, now.statistics)
                    real = self.family.unpad(net, trial.config, trial.spec, padded)
                    again = self.family.pad(net, trial.config, trial.spec, real)
                    assert _layout(again.params) == _layout(weights), trial.config
                    for one, other in zip(jax.tree.leaves(again.params), jax.tree.leaves(weights), strict=True):
                        np.testing.assert_array_equal(one, other, err_msg=str(trial.config))

    @pytest.mark.compiles
    def test_company_order_and_pauses_change_no_bit(self) -> None:
        if jax.default_backend() != "cpu":
            pytest.skip("bit for bit is the law of CPUs")
        with CpuLanes(shared_programs(), 2) as executor:
            trials = self._trials(executor, seeds=(0, 1))
            expected = [train(executor, [trial], EPOCHS)[0].bits for trial in trials]
            assert all(one != other for one, other in pairwise(expected))
            together = train(executor, trials[::-1], EPOCHS)
            assert [outcome.bits for outcome in together[::-1]] == expected
            paused = train(executor, trials, EPOCHS, pauses=range(1, EPOCHS))
            assert [outcome.bits for outcome in paused] == expected

    @pytest.mark.compiles
    def test_a_pack_agrees_with_trials_alone(self) -> None:
        programs, seeds = shared_programs(), (0, 1, 2)
        with CpuLanes(programs, 1) as lanes, DevicePack(programs) as pack:
            alone = train(lanes, self._trials(lanes, seeds=seeds)[: len(seeds)], EPOCHS)
            packed = train(pack, self._trials(pack, seeds=seeds)[: len(seeds)], EPOCHS)
        for one, other in zip(alone, packed, strict=True):
            np.testing.assert_allclose(one.measurements, other.measurements, rtol=1e-5, atol=1e-5)
            weights = (jax.tree.leaves(outcome.state.optimizer.weights) for outcome in (one, other))
            for a, b in zip(*weights, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)

    @pytest.mark.compiles
    def test_a_finished_net_predicts_what_its_program_measured(self) -> None:
        """Over dev rows that are no whole number of chunks."""
        for task in self.tasks:
            data = self._data(task)
            with CpuLanes(shared_programs(), 1) as executor:
                for trial in self._trials(executor, task):
                    (outcome,) = train(executor, [trial], EPOCHS)
                    best = int(outcome.state.best_epoch)
                    assert best > 0, trial.config
                    row = dict(zip(COLUMNS, outcome.measurements[best - 1].tolist(), strict=True))
                    variables = trial.variables(outcome.state, best=True)
                    finished = trial.spec._replace(train_rows=1, dev_rows=1)  # a model that is loaded knows no rows
                    z = self.family.predict(trial.config, finished, variables, data.x_dev)
                    for name, value in measured(task, z, data.y_dev).items():
                        if name != "loss" or trial.config.loss == "auto":
                            np.testing.assert_allclose(row[name], value, rtol=1e-5, atol=1e-5, err_msg=name)

    @pytest.mark.compiles
    def test_what_is_not_trainable_keeps_every_bit(self) -> None:
        family = first_frozen(self.family)
        with CpuLanes(shared_programs(), 1) as executor:
            fold = executor.put_fold(family, self._data(self.tasks[0]))
            trial = self._trial(family, fold, {**self.configs()[0], "weight_decay": 0.1}, seed=0)
            before = trial.first_state().optimizer
            (outcome,) = train(executor, [trial], EPOCHS)
            after = outcome.state.optimizer
        for name in ("weights", "m", "v"):
            old, new = (jax.tree.leaves(getattr(state, name)) for state in (before, after))
            assert _bits(new[0]) == _bits(old[0]), name
            assert len(old) == 1 or _bits(new[1:]) != _bits(old[1:]), name

    @pytest.mark.compiles
    def test_a_program_of_an_edited_family_is_compiled_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fold = fold_data("fold", self._data(self.tasks[0]))
        source = Path(inspect.getfile(type(self.family))).read_text(encoding="utf-8")

        def trial(text: str) -> PreparedTrial:
            file = tmp_path / f"family_{len(list(tmp_path.glob('*.py')))}.py"
            file.write_text(text, encoding="utf-8")
            monkeypatch.setitem(sys.modules, file.stem, None)  # so that it is forgotten at the end
            return self._trial(self._imported(file), fold, self.configs()[0], seed=0)

        programs = Programs(tmp_path / "programs")
        plain, edited = trial(source), trial(source + "# edited\n")
        programs.get(plain)
        programs.get(edited)
        assert (programs.stats.compiled, programs.stats.loaded) == (2, 0)
        later = Programs(tmp_path / "programs")
        later.get(trial(source + "# edited\n"))
        assert (later.stats.compiled, later.stats.loaded) == (0, 1)

    # -- what the laws are tried on

    def spec(self, task: str) -> Spec:
        return Spec(self.sample, self.dtype, OUTPUTS_OF[task], task, TRAIN_ROWS, DEV_ROWS)

    def _config(self, params: Params, task: str) -> Any:
        return self.family.resolve(params, task=task)

    def _cases(self) -> Iterator[tuple[Any, Spec]]:
        """Configurations with data of each task, and with data of other sizes."""
        for params, task in product(self.configs(), self.tasks):
            config, spec = self._config(params, task), self.spec(task)
            yield config, spec
            yield config, spec._replace(train_rows=TRAIN_ROWS + 1, dev_rows=DEV_ROWS - 1)
            if task != "binary":
                yield config, spec._replace(outputs=spec.outputs + 1)

    def _data(self, task: str) -> FoldArrays:
        """Inputs and targets that a random linear map ties together, with noise."""
        rng, count = np.random.default_rng(7), OUTPUTS_OF[task]
        x = self.inputs(rng, TRAIN_ROWS + DEV_ROWS)
        flat = x.reshape(len(x), -1).astype(np.float64)
        flat = (flat - flat.mean(axis=0)) / flat.std(axis=0)
        z = flat @ rng.normal(size=(flat.shape[1], count)) / np.sqrt(flat.shape[1])
        z = z + 0.3 * rng.normal(size=z.shape)
        if task == "classes":
            y = np.eye(count, dtype=np.float32)[z.argmax(axis=1)]
        else:
            y = (z if task == "regression" else z > 0).astype(np.float32)
        return FoldArrays(x[:TRAIN_ROWS], y[:TRAIN_ROWS], x[TRAIN_ROWS:], y[TRAIN_ROWS:], task)

    def _trial(self, family: Family, fold: FoldData, params: Params, seed: int) -> PreparedTrial:
        task = fold.spec.task
        config = self._config({"batch_size": 16, **params}, task)
        return prepare(family, config, fold, seed=seed, epochs=EPOCHS, metric=default_metric(task))

    def _trials(self, executor: Executor, task: str | None = None, seeds: Sequence[int] = (0,)) -> list[PreparedTrial]:
        """The configurations that are trained, each with all seeds, on an executor's fold."""
        fold = executor.put_fold(self.family, self._data(task or self.tasks[0]))
        return [
            self._trial(self.family, fold, params, seed) for params, seed in product(self.configs()[:TRAINED], seeds)
        ]

    def _outputs(self, shape: Any, config: Any, spec: Spec, variables: Variables, x: NDArray[Any]) -> Array:
        """Outputs of the forward pass over arrays that are padded for a shape."""
        padded = self.family.pad(shape, config, spec, variables)
        rows = np.zeros((len(x), *self.family.sample(spec)), x.dtype)
        rows[tuple(slice(size) for size in x.shape)] = x

        def outputs(weights: Any, statistics: Any, rows: Any, arguments: Any) -> Any:
            ones = jnp.ones(len(x), jnp.float32)
            return self.family.apply(shape, weights, statistics, rows, arguments, row_weights=ones, key=None)[0]

        arguments = self.family.arguments(config, spec, shape)
        return np.asarray(jax.jit(outputs)(padded.params, padded.statistics, rows, arguments))

    def _imported(self, file: Path) -> Family:
        """The family of this name in a copy of its module; the one that is known by the name stays so."""
        module = _module_of(file)
        known = self.family.name in family_names()
        sys.modules[file.stem] = module
        assert module.__spec__ is not None and module.__spec__.loader is not None
        module.__spec__.loader.exec_module(module)
        if known:
            register(self.family)
        found = [value for value in vars(module).values() if isinstance(value, Family)]
        return next(one for one in found if one.name == self.family.name and type(one).__module__ == file.stem)


def first_frozen(family: Family) -> Family:
    """A copy of a family that doesn't train the first array of its weights."""

    def masks(shape: Any) -> Masks:
        plain = family.masks(shape)
        _, *others = jax.tree.leaves(plain.trainable)
        return plain._replace(trainable=jax.tree.unflatten(jax.tree.structure(plain.trainable), [0.0, *others]))

    frozen = copy.copy(family)
    vars(frozen).update(masks=masks, fingerprint=f"{family.fingerprint}, first frozen")
    return frozen


def _module_of(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _random_like(tree: Any) -> Any:
    """A tree of the same arrays with other, normal values."""
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: np.asarray(rng.normal(size=np.shape(leaf)), np.asarray(leaf).dtype), tree)


def _bits(tree: Any) -> list[tuple[str, str, tuple[int, ...], bytes]]:
    """Path, dtype, shape and bytes of each array of a tree."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    arrays = [(jax.tree_util.keystr(path, simple=True, separator="."), np.asarray(leaf)) for path, leaf in leaves]
    return [(path, array.dtype.str, array.shape, array.tobytes()) for path, array in arrays]


def _layout(tree: Any) -> Any:
    """Structure of a tree with the shapes and dtypes of its arrays."""
    leaves = [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(tree)]
    return _structure(tree), leaves


def _structure(tree: Any) -> Any:
    return jax.tree.structure(tree)
