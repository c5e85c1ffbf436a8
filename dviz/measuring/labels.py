"""A checkpoint's config holds the factors that its dataset had; labels may be written since."""

from __future__ import annotations

from dataclasses import replace

from dviz.checkpoint import EXTERNAL, SOURCE, Checkpoint, CheckpointConfig
from dviz.data.base import FactorDataset
from dviz.errors import CheckpointError


def has_other_labels(config: CheckpointConfig, dataset: FactorDataset) -> bool:
    """Whether a checkpoint's own dataset has other factors by now than its config says."""
    return dataset.name == config.dataset and dataset.space.factors != config.factors


def with_labels_of(checkpoint: Checkpoint, dataset: FactorDataset) -> Checkpoint:
    """A checkpoint with the factors that its own dataset has by now.

    Nothing is written. On another dataset, or with the same factors, it is the checkpoint itself.

    Raises:
        CheckpointError: it learnt from the labels it had, or was kept with them.
    """
    config, factors = checkpoint.config, dataset.space.factors
    if not has_other_labels(config, dataset):
        return checkpoint
    if _is_bound(config):
        # In another order all of them are odd.
        odd = sorted({f.name for f in {*config.factors} ^ {*factors}} or {f.name for f in factors})
        raise CheckpointError(
            f"{config.name} is bound to the labels that {dataset.name} had when it was made, and "
            f"those of {', '.join(odd)} are others by now; bring them back, or make it anew"
        )
    return replace(checkpoint, config=replace(config, factors=factors))


def _is_bound(config: CheckpointConfig) -> bool:
    """Whether what was learnt or kept depends on the factors in a config."""
    learnt = config.kind == SOURCE and config.training.get("supervision", "labels") != "none"
    return config.kind == EXTERNAL or learnt or bool(config.training.get("ties"))
