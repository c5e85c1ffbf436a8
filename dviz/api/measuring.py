"""Measure a code that is there, or a model that makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from dviz.api.codes import Measurement
from dviz.api.codes import measure as measure_codes

if TYPE_CHECKING:
    from dviz.api.own import ModelMeasurement


@overload
def measure(codes: Any, factors: Any, **settings: Any) -> Measurement: ...
@overload
def measure(*, encode: Any, dataset: Any, **settings: Any) -> ModelMeasurement: ...
def measure(codes: Any = None, factors: Any = None, **settings: Any) -> Any:
    """Every metric of a code with its labels, or of a model on a dataset: prints as a table.

    `measure(codes, factors)` needs neither torch nor Gradio; its further arguments are those of
    `dviz.api.codes.measure`.

    >>> import numpy as np
    >>> factors = np.argwhere(np.ones((10, 20)))
    >>> measure(factors * 0.5, factors, metrics=["mig"], names=["hue", "size"])["mig"]["score"]
    1.0

    `measure(encode=model, dataset="shapes3d")` encodes the images too; its further arguments are
    those of `dviz.api.own.measure_model`. It gives the report and what it says in words.

    Raises:
        ValueError: an argument outside of what is described there.
    """
    if "encode" in settings:
        if codes is not None or factors is not None:
            raise ValueError("give codes and factors, or encode= and dataset=, not both")
        from dviz.api.own import measure_model

        if "metrics" in settings:
            raise ValueError("of a model all metrics are measured; scores=False leaves most out")
        if "n_jobs" in settings:
            settings["jobs"] = settings.pop("n_jobs")
        return measure_model(**settings)
    table = hasattr(codes, "iloc")  # of pandas, which has a transform of another kind
    makes_codes = callable(codes) or isinstance(codes, str)
    makes_codes |= hasattr(codes, "transform") and not table
    if codes is None or factors is None or makes_codes:
        raise ValueError(
            "give codes and factors, or a model and what it reads: "
            'measure(encode=model, dataset="shapes3d")'
        )
    if "jobs" in settings:  # so are they called everywhere else
        settings["n_jobs"] = settings.pop("jobs")
    return measure_codes(codes, factors, **settings)
