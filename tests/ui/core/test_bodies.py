"""What a request may hold: told from its JSON, whatever its shape."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dviz.limits import LIMITS
from dviz.ui.core.bodies import BodyError, read_body

SMALL = replace(LIMITS, json_values=20, json_depth=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=5), part, max_size=4)
    ),
    max_leaves=30,
)


def depth(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + depth(part) for part in parts), default=0)


def count(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(parts) + sum(map(count, parts))


@given(VALUES)
def test_exactly_what_is_within_the_limits_passes(value):
    fits = depth(value) <= 4 and count(value) <= 20
    with nullcontext() if fits else pytest.raises(BodyError):
        read_body(json.dumps(value).encode(), SMALL)


def test_session_and_files_are_found_at_any_depth():
    body = {"session_hash": "s", "data": [[{"path": "/a", "url": "x"}], {"b": {"path": "/c"}}]}
    found = read_body(json.dumps(body).encode())
    assert (found.session, sorted(found.paths)) == ("s", ["/a", "/c"])
    escaped = b'{"d": {"\\u0070ath": "\\u002fetc"}}'
    assert read_body(escaped).paths == ["/etc"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" + b"[]," * 60_000 + b"1]", "more than 50,000 values, the limit"),
        (b"[" * 40 + b"]" * 40, "deeper than 32 levels, the limit"),
        (b"[" * 400_000, "deeper than 32 levels|not JSON"),
        (b'{"a": ' * 50_000, "deeper than 32 levels|not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"path": "http://10.0.0.1/latest"}', "addresses are not fetched"),
        (b'[{"path": "//host/share"}]', "addresses are not fetched"),
    ],
)
def test_hostile_bodies_are_refused_in_a_line(content, words):
    with pytest.raises(BodyError, match=words) as caught:
        read_body(content)
    assert "\n" not in str(caught.value)
