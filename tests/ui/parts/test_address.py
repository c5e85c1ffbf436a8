"""What stands in an address comes back; what cannot be is left at its default."""

import gradio as gr
import pytest

from dviz.ui.parts.address import Address, number, one_of


@pytest.fixture
def address():
    address = Address()
    with gr.Blocks():
        address.bind("alpha", gr.Slider(0, 1, 0.5), number(0, 1), push=False)
        address.bind("pooling", gr.Radio(["avg", "max"], value="avg"), one_of(("avg", "max")))
    return address


@pytest.mark.parametrize(
    ("view", "values"),
    [
        ({}, [0.5, "avg"]),
        ({"alpha": "0.25", "pooling": "max", "other": "1"}, [0.25, "max"]),
        ({"alpha": "2", "pooling": "median"}, [0.5, "avg"]),
        ({"alpha": "nan", "pooling": ["max"]}, [0.5, "avg"]),
        ({"alpha": "1" * 5000}, [0.5, "avg"]),
    ],
)
def test_a_view_is_restored_within_what_is_allowed(address, view, values):
    assert list(address.restore(view).values()) == values
    assert list(address.restore(view)) == address.components


def test_what_is_nobody_s_view_goes_back_to_its_first_value(address):
    with gr.Blocks():
        seen = gr.State(None)
    address.reset(seen)
    assert address.restore({"": "x", "alpha": "1"})[seen] is None
