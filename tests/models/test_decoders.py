import pytest
import torch

from dviz.models.decoders import DECODERS, build_decoder


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("recolour", [False, True])
def test_every_code_has_finite_logits(kind, recolour):
    decoder = build_decoder(kind, 8, 5, 0, recolour)
    logits = decoder(3 * torch.randn(4, 5))
    assert logits.shape == (4, 3, 64, 64)
    assert logits.isfinite().all()


@pytest.mark.parametrize("kind", DECODERS)
def test_a_fresh_colour_map_changes_nothing_one_can_see(kind):
    decoder = build_decoder(kind, 8, 5, 0, True)
    z = torch.randn(4, 5)
    shown, drawn = torch.sigmoid(decoder(z)), torch.sigmoid(decoder.draw(z))
    assert torch.allclose(shown, drawn, atol=1.1e-3)


def test_a_frame_of_the_modulated_decoder_moves_what_it_draws():
    torch.manual_seed(0)
    decoder = build_decoder("modulated", 8, 2, 0, False)
    z = torch.zeros(1, 2)
    before = decoder(z)
    with torch.no_grad():
        decoder.frames.bias[2] += 0.5  # where the first frame's x begins
    assert not torch.allclose(before, decoder(z))
