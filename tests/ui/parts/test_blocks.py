"""A session of the page costs next to nothing, and the page is described as ever."""

import gradio as gr
from gradio.data_classes import FileData, ListFiles
from gradio.state_holder import SessionState

from dviz.ui.parts.blocks import QuietBlocks, decided, plain_file


def page(kind):
    with kind(analytics_enabled=False) as app:
        words = gr.Textbox("a", label="words", elem_id="words")
        kept = gr.State([1])
        words.change(lambda text, _: text.upper(), [words, kept], words)
    return app


def test_a_session_describes_no_component():
    session = SessionState(page(QuietBlocks))
    assert not any(session.config_values.values())
    block = next(b for b in session.blocks_config.blocks.values() if isinstance(b, gr.State))
    assert session[block._id] == [1]
    session[block._id] = [2]
    session._update_value_in_config(block._id, [2])
    assert session[block._id] == [2]
    assert not any(session.config_values.values())


def test_the_page_is_described_as_by_gradio():
    def told(kind):
        components = page(kind).get_config_file()["components"]
        return [(c["type"], c["props"].get("label"), c["props"].get("value")) for c in components]

    assert told(QuietBlocks) == told(gr.Blocks)


def test_a_file_is_a_plain_path_and_leaves_nothing_behind(tmp_path):
    file = plain_file(file_count="multiple")
    file.GRADIO_CACHE = str(tmp_path)
    assert file.get_block_name() == "file"
    given = file.preprocess(ListFiles(root=[FileData(path="a.csv"), FileData(path="b.npz")]))
    assert given == ["a.csv", "b.npz"]
    assert {type(path) for path in given} == {str}
    assert not list(tmp_path.iterdir())


def test_only_what_is_decided_is_written():
    assert decided(3, 3) == {}
    assert decided(None, 3) == {"value": 3}
