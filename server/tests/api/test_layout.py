"""The layout of answers: four spaces, one space after a colon, whatever is in them (contract 1.2)."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.api.render import as_json

_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


class Colour(StrEnum):
    RED = "red"


def deeper(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inside, max_size=4)
        | st.tuples(inside, inside)
        | st.dictionaries(st.text(max_size=5), inside, max_size=4)
    )


@given(st.dictionaries(st.text(max_size=5), st.recursive(_VALUES, deeper, max_leaves=20)))
def test_answers_are_laid_out_like_the_json_module_does(content: dict[str, Any]) -> None:
    assert as_json(content) == json.dumps(content, indent=4, ensure_ascii=False).encode()


def test_members_of_enumerations_and_tuples_may_lie_deep_inside() -> None:
    content: dict[str, Any] = {"list": [{"colours": (Colour.RED, {"line\n": 1.5}), "empty": ((), {}, [])}]}
    assert as_json(content) == json.dumps(content, indent=4, ensure_ascii=False).encode()


@pytest.mark.parametrize("content", [{"moment": object()}, {"in": [{"a": {1, 2}}]}, {1: "names are texts"}])
def test_what_is_no_json_is_an_error(content: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        as_json(content)
