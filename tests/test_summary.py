"""A summary is JSON and back, whole, in part, or written by an earlier version."""

import json
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paceline.summary
from paceline.summary import BestResult, Inference, Record, Summary, WarmStart

KINDS = [
    kind
    for kind in vars(paceline.summary).values()
    if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
]
texts = st.text(max_size=3)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Short values of a field's type."""
    parts = get_args(hint)
    if hint is Any:
        return st.none() | st.integers() | texts | st.lists(st.integers(), max_size=2)
    if get_origin(hint) is tuple and parts[-1] is not ...:
        return st.tuples(*map(values_of, parts))
    if get_origin(hint) is tuple:
        # Any in a tuple is JSON, which has no tuple of its own.
        return st.lists(values_of(parts[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(texts, values_of(parts[1]), max_size=2)
    if type(None) in parts:
        return st.none() | values_of(parts[0])
    if isinstance(hint, type) and issubclass(hint, Record):
        return records_of(hint)
    return st.floats(allow_nan=False) if hint is float else texts if hint is str else st.from_type(hint)


def records_of(kind: type[Record]) -> st.SearchStrategy[Record]:
    return st.builds(kind, **{name: values_of(hint) for name, hint in get_type_hints(kind).items()})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_records_return_from_json(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records_of(kind))
    document = record.to_json()
    text = json.dumps(document)
    assert json.loads(text) == document, "keys are texts, sequences lists"
    assert kind.from_json(json.loads(text)) == record


def test_what_is_missing_or_unknown_takes_its_default() -> None:
    assert Summary.from_json({}) == Summary()
    assert Summary.from_json({"seconds": 2.5, "of a later version": [1]}) == Summary(seconds=2.5)
    assert Summary.from_json(dict.fromkeys(Summary().to_json())) == Summary()
    assert Summary.from_json({"best": {"trial": 3}}).best == BestResult(3)
    old = {"from": "older", "first": 3, "results": 40}
    assert WarmStart.from_json(old) == WarmStart("older", 3, 40) and WarmStart("older", 3, 40).to_json() == old


def test_what_is_of_another_form_is_refused() -> None:
    for document in ({"best": 3}, {"best": {}}, {"test": {"interval": [1, 2, 3]}}, {"edges": 4}):
        with pytest.raises((TypeError, ValueError)):
            Summary.from_json(document)


def test_times_of_a_trial_are_none_where_they_were_not_measured() -> None:
    times = Inference((1, 1024), {"7": (20.0, 0.5)})
    assert times.of(7) == (20.0, 0.5) and times.of(8) == (None, None) and Inference().of(7) == ()
