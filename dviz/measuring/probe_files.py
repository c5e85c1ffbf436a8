"""Fitted probes in one `.npz` file of plain arrays: nothing in it is ever executed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from dviz.errors import DataFileError
from dviz.files import atomic_path, check_archive
from dviz.limits import LIMITS
from dviz.measuring.files import NPZ_ERRORS
from dviz.metrics.mlp import HIDDEN, Mlp
from dviz.metrics.probes import MODELS, Probe
from dviz.metrics.trees import Trees

DEEPEST = 200  # nodes from a root to a leaf; of ours at most 31 leaves hang on one root


def save_probes(path: str | os.PathLike[str], probes: Mapping[str, Probe]) -> None:
    """Write probes by factor name, atomically and compressed."""
    arrays: dict[str, np.ndarray] = {"names": np.array(list(probes), dtype=np.str_)}
    for i, probe in enumerate(probes.values()):
        own = {"model": np.array(probe.model), "classes": probe.classes}
        own |= {"dimensions": np.array(probe.dimensions)} | probe.predictor.to_arrays()
        if probe.temperature is not None:
            own["temperature"] = np.array(probe.temperature)
        arrays |= {f"{i}.{name}": array for name, array in own.items()}
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_probes(path: str | os.PathLike[str]) -> dict[str, Probe]:
    """Read what `save_probes` wrote.

    Raises:
        DataFileError: no such file, or not a whole and consistent file of probes.
    """
    try:
        check_archive(path, members=LIMITS.probe_members, unpacked=LIMITS.npz_bytes)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        names = [str(name) for name in arrays["names"]]
        return {name: _probe(arrays, f"{i}.") for i, name in enumerate(names)}
    except FileNotFoundError:
        raise DataFileError(f"{path}: no such file") from None
    except NPZ_ERRORS as error:
        raise DataFileError(f"{path}: not a file of probes ({error}); fit them anew") from error


def _probe(arrays: dict[str, np.ndarray], prefix: str) -> Probe:
    own = {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
    model, classes, dimensions = str(own["model"]), own["classes"], int(own["dimensions"])
    temperature = float(own["temperature"]) if "temperature" in own else None
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}")
    if model == "mlp":
        mlp = Mlp.from_arrays(own)
        _check_mlp(mlp, dimensions, len(classes))
        return Probe(model, classes, dimensions, mlp, temperature)
    trees = Trees.from_arrays(own)
    _check_trees(trees, dimensions, len(classes))
    return Probe(model, classes, dimensions, trees, temperature)


def _check_mlp(mlp: Mlp, dimensions: int, classes: int) -> None:
    sizes = (dimensions, *HIDDEN, classes)
    expected = list(pairwise(sizes))
    if [w.shape for w in mlp.weights] != expected or [b.shape for b in mlp.biases] != [
        (size,) for size in sizes[1:]
    ]:
        raise ValueError("layers do not fit")
    if mlp.mean.shape != (dimensions,) or mlp.scale.shape != (dimensions,):
        raise ValueError("standardisation does not fit")


def _check_trees(trees: Trees, dimensions: int, classes: int) -> None:
    """Every walk from a root must end: a child lies behind its parent or is the parent."""
    count = len(trees.feature)
    node = np.arange(count)
    scores = 1 if classes == 2 else classes
    if trees.baseline.shape != (scores,) or trees.roots.ndim != 2 or trees.roots.shape[1] != scores:
        raise ValueError("trees do not fit the classes")
    arrays = (trees.threshold, trees.left, trees.right, trees.value)
    if any(array.shape != (count,) for array in arrays):
        raise ValueError("nodes do not fit together")
    children = np.stack([trees.left, trees.right])
    if (children < node).any() or (children >= count).any():
        raise ValueError("nodes are not in order")
    if (trees.roots < 0).any() or (trees.roots >= count).any():
        raise ValueError("roots are outside the nodes")
    reached = np.unique(trees.roots)
    for _ in range(DEEPEST):
        deeper = np.unique(children[:, reached])
        if np.array_equal(deeper, reached):
            break
        reached = deeper
    else:
        raise ValueError(f"trees are more than {DEEPEST} nodes deep")
    if (trees.feature < 0).any() or (trees.feature >= dimensions).any():
        raise ValueError("features are outside the codes")
