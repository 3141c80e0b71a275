"""Records to rows and back, bit for bit: `decode(encode(record)) == record`.

Numbers that SQL holds exactly stay numbers; arrays become little-endian bytes; configurations become JSON, in
which Python writes each float so that it reads back the same (NaN and the infinities included).
"""

import json
import math
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.errors import EngineError, StudyError
from paceline.records import COLUMNS, Curve, EndReason, Measurements, Status, Trial

LITTLE = sys.byteorder == "little"
STATUSES = {status.value: status for status in Status}
ENDINGS: dict[str, EndReason | None] = {"": None} | {reason.value: reason for reason in EndReason}


def to_json(value: object, what: str) -> str:
    """JSON text of plain data; `what` names it in the StudyError that refuses anything else."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise StudyError(f"{what} must be plain JSON data to be stored, but {str(error).rstrip('.')}.") from None


def legible(text: str) -> str:
    """The text as databases hold it: NUL and lone surrogates, which none of them takes, as visible escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def trial_row(trial: Trial) -> dict[str, Any]:
    """A row of `trials`."""
    curve, score, score_sd = trial.curve, trial.score, trial.score_sd
    plain = _is_plain(score) and _is_plain(score_sd)
    return {
        "number": trial.number,
        "params": to_json(trial.params, f"params of trial {trial.number}"),
        "seed": trial.seed,
        "cohort": trial.cohort,
        "status": trial.status.value,
        "epoch": trial.epoch,
        "score": _sortable(score),
        "score_sd": _sortable(score_sd),
        "exact": None if plain else struct.pack("<2d", _number(score), _number(score_sd)) + _absent(score, score_sd),
        "best_epoch": trial.best_epoch,
        "reason": legible(trial.reason),
        "origin": legible(trial.origin),
        "parent": trial.parent,
        "born": trial.cloned_at,
        "costs": struct.pack(f"<{len(trial.costs)}d", *trial.costs) if trial.costs else None,
        "ended_by": "" if trial.ended_by is None else trial.ended_by.value,
        "curve": _curve_bytes(curve),
    }


def trials_from(rows: Sequence[Sequence[Any]]) -> Iterator[Trial]:
    """Trials of rows (number, params, seed, cohort, status, epoch, score, score_sd, exact, best_epoch, reason,
    origin, parent, cloned_at, costs, ended_by[, curve]), in their order; all configurations are parsed at once."""
    parsed = json.loads(f"[{','.join([row[1] for row in rows])}]")
    if len(parsed) != len(rows):
        raise ValueError("params of trials aren't one JSON object each")
    for row, params in zip(rows, parsed, strict=True):
        (
            number,
            _,
            seed,
            cohort,
            status,
            epoch,
            score,
            score_sd,
            exact,
            best_epoch,
            reason,
            origin,
            parent,
            cloned_at,
            costs,
            ended_by,
            *rest,
        ) = row
        if exact is not None:
            score, score_sd = _exact(exact)
        curve = _curve(rest[0]) if rest else ()
        yield Trial(
            number, params, seed, cohort, STATUSES[status], epoch, score, score_sd, best_epoch, curve, reason, origin,
            parent, cloned_at, () if costs is None else _doubles(costs),
            _ended_by(STATUSES[status], reason) if ended_by is None else ENDINGS[ended_by],
        )  # fmt: skip


def _ended_by(status: Status, reason: str) -> EndReason | None:
    """What ended a trial of a store before version 3, which kept it in the phrase alone."""
    if status is Status.FINISHED and reason:
        return EndReason.EARLY_STOPPING if reason.startswith("early") else EndReason.ALL_EPOCHS
    if status is Status.STOPPED and reason:
        return EndReason.TIME_LIMIT if "budget" in reason else EndReason.PRUNED
    return {Status.DIVERGED: EndReason.DIVERGED, Status.FAILED: EndReason.FAILED}.get(status)


def _curve_bytes(curve: Sequence[float]) -> bytes:
    packed = bytes(curve if isinstance(curve, Curve) else Curve(curve))
    return packed if LITTLE else struct.pack(f"<{len(curve)}d", *curve)


def _curve(data: bytes) -> Curve:
    if len(data) % 8:
        raise ValueError(f"a curve of {len(data)} bytes")
    return Curve(data if LITTLE else struct.unpack(f"<{len(data) // 8}d", data))


def _doubles(data: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(data) // 8}d", data)


def _is_plain(number: float | None) -> bool:
    """Whether a column of SQL numbers gives it back as it is: SQLite turns NaN into NULL and -0.0 into 0."""
    return number is None or number > 0 or number < 0 or (number == 0 and math.copysign(1.0, number) > 0)


def _sortable(number: float | None) -> float | None:
    return None if number is None or number != number else float(number)


def _number(number: float | None) -> float:
    return 0.0 if number is None else number


def _absent(*numbers: float | None) -> bytes:
    return bytes(number is None for number in numbers)


def _exact(data: bytes) -> tuple[float | None, float | None]:
    score, score_sd, no_score, no_sd = struct.unpack("<2d2?", data)
    return None if no_score else score, None if no_sd else score_sd


class Layout:
    """Which measured columns a store's blocks have, in their order.

    New columns are only ever added at the end of a store's list, so a block written before is a narrower one of
    the same order: its width says how many of the names it has.

    Attributes:
        names: the columns of the widest blocks in this store.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._targets = [COLUMNS.index(name) if name in COLUMNS else -1 for name in self.names]
        self._is_current = self.names == COLUMNS

    def extended(self) -> "Layout":
        """With those of today's COLUMNS added that the store doesn't know yet."""
        return Layout(self.names + tuple(name for name in COLUMNS if name not in self.names))

    def row(self, block: Measurements) -> dict[str, Any]:
        """A row of `measurements`."""
        values = block.values
        if values.ndim != 2 or values.shape[1] != len(COLUMNS) or values.dtype != np.float32 or not len(values):
            raise EngineError(
                f"measurements of trial {block.trial} must be float32 of shape (epochs, {len(COLUMNS)}), "
                f"but they are {values.dtype} of shape {values.shape}."
            )
        if not self._is_current:
            wide = np.full((len(values), len(self.names)), np.nan, dtype=np.float32)
            for place, target in enumerate(self._targets):
                if target >= 0:
                    wide[:, place] = values[:, target]
            values = wide
        return {
            "trial": block.trial,
            "fold": block.fold,
            "first_epoch": block.first_epoch,
            "epochs": len(values),
            "values": values.astype("<f4", copy=False).tobytes(),
        }

    def merged(self, rows: Iterable[Sequence[Any]]) -> list[Measurements]:
        """One block per (trial, fold) of rows (trial, fold, first_epoch, epochs, values) sorted by the first three.

        Where blocks overlap the one that starts later holds; epochs between blocks that nobody measured are NaN.
        """
        merged: list[Measurements] = []
        pieces: list[tuple[int, NDArray[np.float32]]] = []
        owner: tuple[int, int] | None = None
        for trial, fold, first, epochs, data in rows:
            if owner is not None and owner != (trial, fold):
                merged.append(_join(*owner, pieces))
                pieces = []
            owner = (trial, fold)
            pieces.append((first, self._values(data, epochs)))
        if owner is not None:
            merged.append(_join(*owner, pieces))
        return merged

    def _values(self, data: bytes, epochs: int) -> NDArray[np.float32]:
        stored = np.frombuffer(data, dtype="<f4").reshape(epochs, -1)
        if self._is_current and stored.shape[1] == len(COLUMNS):
            return stored
        values = np.full((epochs, len(COLUMNS)), np.nan, dtype=np.float32)
        for place in range(stored.shape[1]):
            if self._targets[place] >= 0:
                values[:, self._targets[place]] = stored[:, place]
        values.setflags(write=False)
        return values


def _join(trial: int, fold: int, pieces: list[tuple[int, NDArray[np.float32]]]) -> Measurements:
    first = pieces[0][0]
    if len(pieces) == 1:
        return Measurements(trial, fold, first, pieces[0][1])
    last = max(start + len(values) for start, values in pieces)
    joined = np.full((last - first, len(COLUMNS)), np.nan, dtype=np.float32)
    for start, values in pieces:
        joined[start - first : start - first + len(values)] = values
    joined.setflags(write=False)
    return Measurements(trial, fold, first, joined)
