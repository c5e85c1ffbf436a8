import json

import pytest

from dviz.models.settings import settings_of
from dviz.training.config import DEFAULTS, TrainingConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0; allowed are numbers from 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; allowed are numbers above 0"),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"beta_warmup": 1.5}, "beta_warmup is 1.5; allowed is a share from 0 to 1"),
        ({"objective": "gan"}, "objective is 'gan'; allowed are"),
        ({"supervision": "strong"}, "supervision is 'strong'; allowed are"),
        ({"reconstruction": "l1"}, "reconstruction is 'l1'"),
        ({"precision": "int8"}, "precision is 'int8'"),
        ({"k": 0}, "k is 0; allowed are 'uniform' and whole numbers from 1"),
        ({"k": "two"}, "k is 'two'"),
        ({"ema": 1.0}, "ema is 1.0; allowed are numbers from 0 to below 1"),
        ({"patience": -1}, "patience is -1"),
        ({"check_every": 0}, "check_every is 0"),
        ({"capacity": 5.0, "objective": "factor-vae"}, "it counts only with objective 'beta-vae'"),
        ({"labelled": 0.5, "supervision": "adaptive"}, "it counts only with supervision 'labels'"),
        ({"update": "encoder", "decoder_first": 0.1}, "decoder_first is 0.1; with update"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_odd_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**({"steps": 1} | settings))


def test_what_is_written_down_gives_the_same_config_again():
    config = TrainingConfig(steps=7, ema=0.5, ties=(2, 1), k=3)
    written = json.loads(json.dumps(config.to_dict()))
    assert "objective" not in written  # at rest
    again = TrainingConfig(**written | {"ties": tuple(written["ties"])})
    assert again == config


def test_every_setting_says_what_it_is():
    about = {known.name: known_about for known, known_about in settings_of(TrainingConfig)}
    assert about.keys() == DEFAULTS.keys()
    assert all(setting.help for setting in about.values())
    hidden = {name for name, setting in about.items() if setting.group is None}
    assert hidden == {"tied", "ties"}  # what a transfer finds out by itself


def test_a_setting_at_rest_is_within_its_own_range():
    for known, setting in settings_of(TrainingConfig):
        assert known.name == "steps" or setting.refusal(known.default) is None
