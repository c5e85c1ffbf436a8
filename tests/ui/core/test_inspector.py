from dataclasses import replace

import numpy as np
import pytest
import torch

from dviz.factors import Factor
from dviz.measuring.report import DatasetReport
from dviz.models.vae import VAE, VAEConfig
from dviz.ui.core.inspector import (
    PRIOR_HIGH,
    PRIOR_LOW,
    Dimension,
    by_factor,
    decode,
    describe_dimensions,
    encode,
    most_probable,
    sweep,
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return VAE(VAEConfig(filters=8, latent_size=4)).eval()


def report(association, active):
    size = len(active)
    return DatasetReport(
        dataset="somewhere",
        factors=["shape", "position x", "colour"],
        sizes=[3, 32, 1],
        seed=0,
        num_images=90,
        num_pairs=30,
        association=association,
        active=active,
        mean=[0.0] * size,
        std=[1.0] * size,
        low=[-1.0 - d for d in range(size)],
        high=[1.0 + d for d in range(size)],
        posterior_std=[0.1] * size,
        kl=[float(d) for d in range(size)],
        reconstruction=100.0,
        mse=0.01,
    )


def test_every_factor_sits_on_one_dimension_and_a_dimension_may_have_several():
    S = [[0.2, 0.93, None], [0.8, 0.9, None], [0.0, 0.0, None]]
    dimensions = describe_dimensions(3, report(S, [True, True, False]))
    assert [d.label for d in dimensions] == ["z0 ← position x · 0.93", "z1 ← shape · 0.80", "z2"]
    both = describe_dimensions(1, report([[0.4, 0.7, None]], [True]))[0]
    assert both.label == "z0 ← position x · 0.70, shape · 0.40"


def test_dimensions_without_a_factor_of_their_own_say_what_they_mix():
    S = [[0.9, 0.05, None], [0.4, 0.7, None], [0.0, 0.95, None], [0.8, 0.9, None]]
    dimensions = describe_dimensions(4, report(S, [True, True, True, False]))
    assert [d.factors for d in dimensions] == [(("shape", 0.9),), (), (("position x", 0.95),), ()]
    assert dimensions[1].mixture == (("position x", 0.7), ("shape", 0.4))
    assert dimensions[3].mixture == ()  # inactive
    remarks = [d.remark.replace("\u00a0", " ") for d in dimensions]
    assert remarks == ["", "mixes position x 0.70, shape 0.40", "", "KL 3.000 nats"]


@pytest.mark.parametrize(
    ("mixture", "remark"),
    [
        (None, ""),  # nothing was measured
        ((), "no clear factor"),
        ((("camera height", 0.71),), "also camera height\u00a00.71"),
        (
            (("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", 0.6)),
            "mixes a\u00a00.90, b\u00a00.80 +2\u00a0more",
        ),
    ],
)
def test_a_list_cut_short_says_so_and_every_factor_comes_with_its_strength(mixture, remark):
    assert Dimension(4, mixture=mixture).remark == remark


@pytest.mark.parametrize(
    ("row", "remark"),
    [
        ([0.9, 0.3, None], ""),
        ([0.5, 0.8, None], "moves position x more in the picture"),
        ([0.1, 0.2, None], "moves nothing in the picture"),
    ],
)
def test_a_slider_whose_name_the_picture_belies_says_so(row, remark):
    result = report([[0.9, 0.05, None], [0.0, 0.1, None]], [True, True])
    dimensions = describe_dimensions(2, replace(result, moves=[row, [0.9, 0.9, None]]))
    assert [d.remark for d in dimensions] == [remark, "no clear factor"]


def test_an_association_below_three_tenths_names_no_dimension():
    S = [[0.9, 0.02, None], [0.95, 0.29, None], [0.1, 0.25, None]]
    dimensions = describe_dimensions(3, report(S, [True] * 3))
    assert "position x" not in " ".join(d.label for d in dimensions)
    assert dimensions[2].remark == "no clear factor"


def test_ranges_come_from_the_report_and_without_one_from_the_prior():
    S = [[0.5, 0.5, None]] * 3
    measured = describe_dimensions(3, report(S, [True, True, False]))
    assert [(d.low, d.high, d.active) for d in measured] == [
        (-1, 1, True),
        (-2, 2, True),
        (-3, 3, False),
    ]
    assert measured[2].factors == ()
    for result in (None, report(S, [True, True, False])):  # a report of three, a model of five
        defaults = describe_dimensions(5, result)
        assert {(d.low, d.high, d.active) for d in defaults} == {(PRIOR_LOW, PRIOR_HIGH, True)}


def test_dimensions_come_in_the_order_of_the_factors():
    dimensions = [
        Dimension(0),
        Dimension(1, factors=(("size", 0.5),)),
        Dimension(2, factors=(("turn", 0.9), ("shape", 0.3))),
    ]
    assert [d.index for d in by_factor(dimensions, ["shape", "turn", "size"])] == [2, 1, 0]


def test_codes_of_images_and_images_of_codes(model):
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    codes = encode(model, images)
    assert codes.mean.shape == codes.std.shape == (3, 4)
    assert (codes.std > 0).all()
    painted = decode(model, codes.mean)
    assert painted.shape == (3, 64, 64, 3)
    assert painted.dtype == np.uint8
    # An image comes out the same whatever else is in the batch.
    assert np.abs(decode(model, codes.mean[1])[0].astype(int) - painted[1]).max() <= 1


@pytest.mark.parametrize("code", [[0.0] * 3, [[[0.0] * 4]], [0.0, 0.0, 0.0, np.nan], [np.inf] * 4])
def test_what_is_no_code_is_refused(model, code):
    with pytest.raises(ValueError, match=r"codes must be \(N, 4\)"):
        decode(model, np.array(code))


def test_a_sweep_moves_one_dimension_and_keeps_the_others():
    code = np.array([0.3, -0.2, 0.1, 0.5], dtype=np.float32)
    codes = sweep(code, Dimension(2, low=-3, high=1), steps=5)
    assert codes[:, 2].tolist() == [-3, -2, -1, 0, 1]
    assert (np.delete(codes, 2, axis=1) == np.delete(code, 2)).all()


def test_the_most_probable_class_by_its_name():
    factors = [Factor("shape", 3, ("box", "disc", "heart")), Factor("turn", 8)]
    classes = np.array([0, 2]), np.array([1, 5])
    read = most_probable(
        factors, [(classes[0], np.array([0.4, 0.6])), (classes[1], np.array([0.9, 0.1]))]
    )
    assert [(p.factor, p.value, p.confidence, p.chance) for p in read] == [
        ("shape", "heart", 0.6, 1 / 3),
        ("turn", "1", 0.9, 1 / 8),
    ]


def test_who_follows_a_factor_as_well_is_named_with_it():
    S = [[0.9, 0.1, None], [0.1, 0.95, None], [0.86, 0.2, None], [0.84, 0.3, None], [1, 1, None]]
    first, second, *_ = describe_dimensions(5, report(S, [True] * 4 + [False]))
    assert (first.shared, second.shared) == ((("z2",),), ((),))
    assert first.remark == "also in z2"
    assert second.remark == ""
    many = replace(first, shared=(("z2", "z5", "z7"),))
    assert many.remark == "also in z2, z5 +1\u00a0more"
    two = replace(first, factors=(("shape", 0.9), ("colour", 0.9)), shared=((), ("z2",)))
    assert two.remark == "colour also in z2"
