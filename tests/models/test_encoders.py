"""Encoders: sizes as published, padding that is not there, and inputs that none takes."""

from dataclasses import replace

import pytest
import torch
from worlds import DIGIT, EVERY_MODALITY, IMU, SENSOR, SERIES, TEXT, built, inputs

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality
from qfl.models.encoders import make_encoder
from qfl.models.keys import ModuleKey
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES

TINY = PROFILES["tiny"]


def count(model, **fields):
    """Numbers in all modules whose key has these fields."""
    keys = {name: ModuleKey.parse(name) for name in model.module_ids}
    return model.parameters_of(
        *(n for n, key in keys.items() if all(getattr(key, f) == v for f, v in fields.items()))
    )


@pytest.mark.golden
@pytest.mark.parametrize(
    ("modality", "numbers", "tokens"),
    [
        (IMU, 32_288, 7),
        (replace(IMU, shape=(3, 200)), 31_808, 7),
        (SERIES, 1_792, 11),
        (replace(SERIES, shape=(96, 7)), 1_792, 77),
        (SENSOR, 1_088, 6),
        (Modality("t", (4,), "tabular", (0, 3, 0, 5)), 2 * 2 * 64 + 8 * 64, 4),
        (Modality("t", (16,), "text", (4096,)), 262_144, 16),
        (Modality("i", (32, 32, 3)), 24_320 + 9 * 2 * 16, 16),
    ],
)
def test_encoders_have_exactly_the_published_sizes(modality, numbers, tokens):
    model = architecture((modality,), (DIGIT,), PROFILES["small"])
    assert count(model, kind="encoder") == numbers
    assert model.modules_by_id[f"encoder:{modality.name}:*"].tokens == tokens


def test_padding_of_a_text_does_not_count():
    model, state = built(TINY, (TEXT,), (DIGIT,))
    shorter = architecture((replace(TEXT, shape=(8,)),), (DIGIT,), TINY)
    x = inputs((TEXT,))["words"]
    expected = model.predict(state, {"words": x})["digit"]
    torch.testing.assert_close(shorter.predict(state, {"words": x[:, :8]})["digit"], expected)


@pytest.mark.parametrize(
    ("modality", "message"),
    [
        (Modality("x", (5,), "series"), "at least 16 steps"),
        (Modality("x", (61,), "sensor"), "multiple of 10"),
        (Modality("x", (4,), "text"), "vocabulary"),
        (Modality("x", (4,), "smell"), "allowed kinds"),
        (Modality("x", (4,), "audio"), "allowed: 2 axes"),
        (Modality("a:b", (4,)), "cannot name"),
    ],
)
def test_what_has_no_encoder_is_refused(modality, message):
    with pytest.raises(ConfigError, match=message):
        architecture((modality,), (DIGIT,), TINY)


@pytest.mark.parametrize("modality", EVERY_MODALITY, ids=lambda m: m.name)
def test_tokens_are_as_many_as_was_said_and_of_the_width(modality):
    encoder = make_encoder(modality, 12)
    with torch.no_grad():
        for tensor in encoder.parameters():
            tensor.fill_(0.1)
        found = encoder(inputs((modality,))[modality.name])
    assert found.tokens.shape == (3, encoder.tokens, 12)
    assert found.present.shape == (3, encoder.tokens)
    assert found.present.all() == (modality.kind != "text")


def test_a_series_tells_neither_its_level_nor_its_spread_but_keeps_them():
    """Exact up to the small number beside the variance."""
    encoder = make_encoder(SERIES, 8)
    with torch.no_grad():
        for tensor in encoder.parameters():
            tensor.copy_(torch.linspace(-1, 1, tensor.numel()).reshape(tensor.shape))
        x = inputs((SERIES,))["load"]
        base, moved = encoder(x), encoder(20 * x - 3)
    torch.testing.assert_close(moved.tokens, base.tokens, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(moved.scale, 20 * base.scale, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(moved.centre, 20 * base.centre - 3, rtol=1e-3, atol=1e-3)
