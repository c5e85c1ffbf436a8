"""The endpoints as tools, through a real MCP client over a real connection."""

import ast
import base64
import io
from contextlib import asynccontextmanager

import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image
from sklearn.datasets import load_sample_image

from dviz.ui.core.library import Library
from dviz.ui.page import build_app, launch_options
from tests.ui.loops import run_apart
from tests.ui.material import NAMES, SHAPE

TOOLS = {"checkpoints", "association", "diagnosis", "encode", "decode", "swap"}


@pytest.fixture(scope="module")
def url(checkpoints):
    library = Library(checkpoints)
    page = build_app(library)
    options = launch_options(library) | {"mcp_server": True}
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **options)
    yield url
    page.close()


@asynccontextmanager
async def session(url):
    async with (
        streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as found,
    ):
        await found.initialize()
        yield found


def ask(url, tool, **arguments):
    """What a tool answers."""

    async def asked():
        async with session(url) as agent:
            return await agent.call_tool(tool, arguments)

    return run_apart(asked())


def values(answer):
    assert not answer.isError, answer
    return ast.literal_eval(answer.content[0].text)


def test_an_agent_reads_what_there_is_and_what_it_takes(url):
    async def listed():
        async with session(url) as agent:
            return (await agent.list_tools()).tools

    tools = {tool.name: tool for tool in run_apart(listed())}
    assert set(tools) == TOOLS
    for name, tool in tools.items():
        assert len(tool.description) > 40
        for argument, schema in tool.inputSchema["properties"].items():
            assert len(schema["description"]) > 15, (name, argument)


def test_association_is_the_reports_own(url, checkpoints):
    score = values(ask(url, "association", checkpoint=NAMES[0], alpha=0.5, pooling="avg"))
    assert score["omes"] == pytest.approx(
        Library(checkpoints).get(NAMES[0]).result.omes().omes, abs=1e-6
    )


def test_a_picture_is_encoded_as_through_the_python_client(url, tmp_path):
    path = tmp_path / "flower.png"
    Image.fromarray(load_sample_image("flower.jpg")).resize((96, 96)).save(path)
    given = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    arguments = {"image": given, "shape": "crop", "background": "keep"}
    told = values(ask(url, "encode", checkpoint=NAMES[0], **arguments))
    client = Client(url, verbose=False)
    plain = client.predict(NAMES[0], handle_file(path), "crop", "keep", api_name="/encode")
    assert told["codes"] == pytest.approx(plain["codes"])
    assert len(told["codes"]) == SHAPE.latent_size


def test_a_code_becomes_a_picture(url):
    answer = ask(url, "decode", checkpoint=NAMES[0], code=[0.0] * SHAPE.latent_size)
    assert not answer.isError
    (picture,) = [part for part in answer.content if part.type == "image"]
    assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (64, 64)


def test_a_mistake_is_told_in_one_line(url):
    answer = ask(url, "association", checkpoint="nothing", alpha=0.5, pooling="avg")
    assert answer.isError
    assert "there is no checkpoint" in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
