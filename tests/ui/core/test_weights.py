import copy

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dviz.models.vae import VAE, VAEConfig
from dviz.ui.core.codes_map import points_route
from dviz.ui.core.inspector import decode
from dviz.ui.core.library import Library
from dviz.ui.core.weights import address_of, decoder_route, pack_decoder
from dviz.ui.parts.panel import answer
from tests.ui.material import NAMES


@pytest.fixture
def client(library):
    return TestClient(Starlette(routes=[decoder_route(library)]))


@pytest.mark.parametrize(("hidden", "recolour"), [(0, False), (6, False), (6, True)])
def test_packed_weights_are_all_there_and_paint_the_same(hidden, recolour):
    torch.manual_seed(0)
    model = VAE(VAEConfig(8, 3, decoder_hidden=hidden, recolour=recolour)).eval()
    packed = pack_decoder(model)
    large = model.decoder.start[2 if hidden else 0].weight
    count = large.numel()
    half = np.frombuffer(packed.data[-2 * count :], "<f2").reshape(large.shape)
    small = np.frombuffer(packed.data[: -2 * count], "<f4")
    rest = [p for p in model.decoder.parameters() if p is not large]
    assert np.array_equal(small, torch.cat([p.detach().ravel() for p in rest]).numpy())
    rounded = copy.deepcopy(model)
    with torch.no_grad():
        rounded.decoder.start[2 if hidden else 0].weight.copy_(torch.from_numpy(half.copy()))
    codes = np.random.default_rng(0).standard_normal((8, 3))
    assert np.abs(decode(model, codes).astype(int) - decode(rounded, codes)).max() <= 1


def test_a_modulated_decoder_is_packed_whole_in_single_precision():
    torch.manual_seed(0)
    model = VAE(VAEConfig(8, 3, decoder="modulated", recolour=True))
    packed = pack_decoder(model)
    weights = torch.cat([p.detach().ravel() for p in model.decoder.parameters()]).numpy()
    assert np.array_equal(np.frombuffer(packed.data, "<f4"), weights)
    assert packed.shape["halves"] == 0


def test_what_a_page_cannot_run_is_not_offered():
    assert pack_decoder(VAE(VAEConfig(filters=132, latent_size=2))) is None
    assert pack_decoder(VAE(VAEConfig(filters=68, latent_size=2, decoder="modulated"))) is None
    model = VAE(VAEConfig(filters=4, latent_size=2))
    model.decoder.start[0].weight.data[0, 0] = 1e6
    assert pack_decoder(model) is None


def test_an_address_is_for_ever_and_holds_the_weights(client, library):
    entry = library.get(NAMES[0])
    address = address_of(entry)
    reply = client.get(f"/{address['url']}")
    assert reply.content == entry.decoder.data
    assert "immutable" in reply.headers["cache-control"]
    again = client.get(f"/{address['url']}", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    "url", ["0000?checkpoint=sprites", "0000?checkpoint=nothing", "0000", "0000?checkpoint=../.."]
)
def test_other_addresses_lead_nowhere(client, url):
    reply = client.get(f"/dviz/decoder/{url}")
    assert reply.status_code == 404
    assert "\n" not in reply.text
    assert "/tmp" not in reply.text


def test_an_address_makes_the_server_fetch_nothing(checkpoints):
    library = Library(checkpoints, fetch=lambda _: pytest.fail("fetched"))
    client = TestClient(Starlette(routes=[decoder_route(library), points_route(library)]))
    for path in ("decoder", "codes"):
        assert client.get(f"/dviz/{path}/0000?checkpoint=ada/sprites").status_code == 404
    said = answer(library, {"checkpoint": "ada/sprites"}, lambda *_: {})
    assert "no longer in memory" in said["error"]


def test_checkpoints_with_one_decoder_share_an_address(checkpoints):
    library = Library(checkpoints)
    first, second, tuned = (address_of(library.get(name))["digest"] for name in NAMES)
    assert first == second != tuned
