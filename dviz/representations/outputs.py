"""What encoders of all kinds give, as Codes: arrays, tensors, tuples, or objects that name them.

`pick` alone knows where the codes lie in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dviz.representations.base import Codes

# How libraries call the code in the objects that their encoders return.
CODE_NAMES = ("mean", "loc", "embedding", "embeddings", "mu", "pooler_output", "latents", "z")
LOG_VARIANCES = ("log_covariance", "log_var", "logvar", "log_variance")
DEVIATIONS = ("std", "stddev", "scale")
WRAPPERS = ("latent_dist", "distribution")
EXPECTED = (
    "codes (N, D), or a pair of mean and standard deviation (N, D) each; of anything else, pick "
    "the codes in a function of your own"
)


def as_array(values: Any) -> np.ndarray:
    """A tensor, list or array as float32, on the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().float().numpy()
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"encode gave {type(values).__name__}; expected {EXPECTED}") from error


def as_codes(output: Any, log_variance: bool = False) -> Codes:
    """Codes out of what an encoder returned, see `pick`."""
    mean, std = pick(output, log_variance)
    return Codes(as_array(mean), None if std is None else as_array(std))


def pick(output: Any, log_variance: bool = False) -> tuple[Any, Any]:
    """Mean and standard deviation, (N, D) each, out of what an encoder returned; None for the
    latter where it gives one code an image.

    Tensors stay tensors, on their device and in their graph, so that this can be exported along
    with an encoder; all else becomes an array. Both are float32.

    Args:
        output: (N, D) of any kind, with trailing sides of 1 if any; a pair; a mapping or an object
            with attributes, such as torch's Normal, pythae's or transformers' outputs.
        log_variance: whether the second of a pair is log σ², as torch modules have it, or σ.

    Raises:
        ValueError: it is nothing of this kind.
    """
    named = _named(output)
    if named is not None:
        return named
    if isinstance(output, (tuple, list)) and output and _is_table(output[0]):
        mean = _table(output[0])
        if len(output) == 1:
            return mean, None
        if len(output) > 2 and all(np.shape(part) == np.shape(output[0]) for part in output[:3]):
            raise ValueError(
                f"encode gave {len(output)} arrays of one shape, any of which may be the mean; "
                f"expected {EXPECTED}"
            )
        second = _table(output[1])
        if second.shape == mean.shape:
            return mean, _deviation(second) if log_variance else second
        raise ValueError(f"encode gave {len(output)} arrays that differ in shape; {EXPECTED}")
    return _table(output), None


def _named(output: Any) -> tuple[Any, Any] | None:
    for wrapper in WRAPPERS:
        inner = getattr(output, wrapper, None)
        if inner is not None:
            return _named(inner)
    plain = isinstance(output, (tuple, list)) and not hasattr(output, "keys")
    if plain or hasattr(output, "ndim"):
        return None
    found = _first(output, CODE_NAMES)
    if found is None:
        return None
    mean = _table(found)
    deviation, variance = _first(output, DEVIATIONS), _first(output, LOG_VARIANCES)
    if deviation is not None:
        return mean, _table(deviation)
    return mean, None if variance is None else _deviation(_table(variance))


def _first(output: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        value = output.get(name) if hasattr(output, "get") else getattr(output, name, None)
        if value is not None and not callable(value):
            return value
    return None


def _is_table(values: Any) -> bool:
    return getattr(values, "ndim", 0) >= 2


def _table(values: Any) -> Any:
    """A tensor as it is but float32, anything else as an array, (N, D)."""
    table = values.float() if hasattr(values, "detach") else as_array(values)
    if table.ndim > 2 and all(side == 1 for side in table.shape[2:]):
        table = table.reshape(table.shape[:2])
    if table.ndim != 2:
        raise ValueError(f"encode gave an array of shape {tuple(table.shape)}; expected {EXPECTED}")
    return table


def _deviation(log_variance: Any) -> Any:
    """σ of log σ², a tensor's as a tensor."""
    half = 0.5 * log_variance.clip(-60, 60)
    return half.exp() if hasattr(half, "exp") else np.exp(half)
