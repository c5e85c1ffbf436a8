"""Checkpoints made to hurt: broken copies of a sound one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from dviz.cli.benchmarks import hostile


def prepare(checkpoints: Path, shown: Path) -> list[str]:
    """A copy of one family of checkpoints, and broken copies of its first; the broken ones' names
    that the app may still show."""
    own = sorted(path for path in checkpoints.iterdir() if (path / "config.json").exists())
    for path in own[:4]:
        shutil.copytree(path, shown / path.name, ignore=shutil.ignore_patterns("training"))
    return hostile_checkpoints(own[0], shown)


def hostile_checkpoints(own: Path, shown: Path) -> list[str]:
    """Broken copies of the checkpoint `own`; their names."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    def copy(name: str) -> Path:
        return Path(shutil.copytree(own, shown / name))

    config = json.loads((own / "config.json").read_text())
    many = {"name": "f", "size": 10**9, "values": []}
    for name, changes in (
        ("factors-of-many-values", {"factors": [many] * 8}),
        ("many-factors", {"factors": [{**many, "name": f"f{n}", "size": 2} for n in range(5000)]}),
        ("huge-layers", {"filters": 1024, "latent_size": 1024}),
    ):  # fmt: skip
        (copy(name) / "config.json").write_text(json.dumps(config | changes))
    (copy("deep-config") / "config.json").write_text("[" * 200_000)
    (copy("long-report") / "report.json").write_text('{"a": "' + "x" * 5_000_000 + '"}')
    (copy("deep-report") / "report.json").write_text('{"a":' * 5_000 + "1" + "}" * 5_000)
    (copy("zip-bomb") / "representations.npz").write_bytes(
        hostile.archive({"mean.npy": hostile.npy("(1000000, 100)", data=bytes(400_000_000))})
    )
    weights = copy("infinite-weights") / "model.safetensors"
    arrays = load_file(weights)
    first = next(name for name, array in arrays.items() if array.dtype.kind == "f" and array.ndim)
    arrays[first] = np.full_like(arrays[first], np.inf)
    save_file(arrays, weights)
    names = ["huge-layers", "long-report", "deep-report", "zip-bomb", "infinite-weights"]
    return [*names, "factors-of-many-values", "many-factors", "deep-config"]
