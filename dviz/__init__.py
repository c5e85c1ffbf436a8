"""dviz: see whether a representation is disentangled, and what survives the trip to real images.

    dviz.omes(codes, factors)      the overlap score of a code, with its parts
    dviz.measure(codes, factors)   every metric, as a table
    dviz.datasets()                what images there are;  dviz.dataset(name).sample(8, seed=0)
    dviz.load("color-dsprites")    a model: a shipped name, a folder or a Hub id
    dviz.launch()                  the app
    dviz.inspect(encode, decode, dataset=…)   the app on a model of your own
    dviz.measure(encode=…, dataset=…)         its report;  dviz.save(folder, encode, …) keeps it

A code is a table (N, D): N images, D numbers each. Its factors are a table (N, F) of class indices.

>>> import numpy as np, dviz
>>> factors = np.argwhere(np.ones((10, 20)))  # every combination of 10 hues and 20 sizes
>>> codes = factors[:, ::-1] * 0.1  # a code that holds size first, then hue
>>> round(float(dviz.omes(codes, factors, names=["hue", "size"])), 3)
0.881
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dviz.api.app import launch
    from dviz.api.codes import omes
    from dviz.api.images import dataset, datasets
    from dviz.api.measuring import measure
    from dviz.api.model import load
    from dviz.api.own import inspect, save

__version__ = "0.2.0"
__all__ = [
    "__version__",
    "dataset",
    "datasets",
    "inspect",
    "launch",
    "load",
    "measure",
    "omes",
    "save",
]

_ROOM = {
    "dataset": "images",
    "datasets": "images",
    "inspect": "own",
    "launch": "app",
    "load": "model",
    "measure": "measuring",
    "omes": "codes",
    "save": "own",
}
"""Which file of dviz/api/ a name is in: it is imported when the name is first asked for."""

if not TYPE_CHECKING:  # else every misspelt name would pass the type checker

    def __getattr__(name: str) -> Any:
        if name not in _ROOM:
            raise AttributeError(f"module 'dviz' has no attribute {name!r}")
        value = getattr(import_module(f"dviz.api.{_ROOM[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
