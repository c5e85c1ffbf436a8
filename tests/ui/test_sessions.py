"""Who is connected keeps session and answer, however many others come and go."""

import json
import threading

import gradio as gr
import pytest
from starlette.middleware import Middleware

from dviz.cli.benchmarks.visitor import Visitor
from dviz.ui.core.scratch import use_scratch_folder
from dviz.ui.guard import Guard
from dviz.ui.sessions import Present


@pytest.fixture
def page():
    """Answers at once, or when it is let; keeps two sessions and two answers."""
    let = threading.Event()
    with gr.Blocks(analytics_enabled=False) as page:
        kept, said = gr.State(0), gr.Number()
        gr.Button("wait").click(lambda: let.wait(30) and 1, None, said, api_name="wait")
        gr.Button("count").click(lambda n: (n + 1, n + 1), kept, [kept, said], api_name="count")
    page.queue(default_concurrency_limit=4)
    middleware = [Middleware(Guard, folder=use_scratch_folder())]
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, state_session_capacity=2, _frontend=False,
        ssr_mode=False, app_kwargs={"middleware": middleware},
    )  # fmt: skip
    page._queue.pending_messages_per_session.max_size = 2
    yield url, let
    let.set()
    page.close()


def test_whoever_waits_is_answered_though_many_came_after(page):
    url, let = page
    answers = []
    patient, others = Visitor(url), Visitor(url)
    waiting = threading.Thread(target=lambda: answers.append(patient.call("wait")))
    waiting.start()
    assert [others.call("count") for _ in range(6)] == ["served"] * 6
    let.set()
    waiting.join(30)
    assert answers == ["served"]


def count(visitor):
    """How often this session has counted, by its own state."""
    body = {"data": [], "session_hash": visitor.session}
    _, _, content = visitor.ask("POST", "/gradio_api/call/count", body)
    event = json.loads(content)["event_id"]
    _, _, content = visitor.ask("GET", f"/gradio_api/call/count/{event}")
    return json.loads(content.decode().rpartition("data: ")[2])[-1]


def test_an_open_page_keeps_its_state_and_a_closed_one_makes_room(page):
    url, _ = page
    here, gone, others = Visitor(url), Visitor(url), Visitor(url)
    stays = here.stay()
    assert [count(here), count(here), count(gone)] == [1, 2, 1]
    for _ in range(6):
        others.call("count")
    assert count(here) == 3
    assert count(gone) == 1
    stays.close()


def test_names_count_as_often_as_they_are_named():
    present = Present()
    with present.at(["a", "a"]), present.at(["a"]):
        pass
    assert "a" not in present
    with pytest.raises(KeyError), present.at(["b"]):
        raise KeyError
    assert "b" not in present
