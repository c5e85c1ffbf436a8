"""The gradient-boosted-trees probe: scikit-learn's histogram booster, kept as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dviz.metrics.mlp import softmax

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier as Booster

MAX_ITERATIONS, PATIENCE, HELD_OUT = 1000, 5, 0.1
TOLERANCE = 1e-3  # nats of held-out loss that 5 iterations must gain to go on
_CHUNK = 2**22
_ARRAYS = ("baseline", "roots", "feature", "threshold", "left", "right", "value")


@dataclass(frozen=True)
class Trees:
    """A fitted booster as plain arrays: every node of every tree, one after the other.

    baseline: raw score per class (K,), with K = 1 for two classes; roots: index of the first node
    of each tree, (iterations, K); per node: feature, threshold (codes ≤ threshold go left), left
    and right (index of the child; a leaf is its own child), value added to the raw score.
    """

    baseline: np.ndarray
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def predict_proba(self, codes: np.ndarray) -> np.ndarray:
        """Class probabilities of codes (N, D), float64 (N, C)."""
        rows = max(1, _CHUNK // max(1, self.roots.size))
        chunks = [codes[start : start + rows] for start in range(0, len(codes), rows)]
        raw = np.concatenate([self._raw(chunk) for chunk in chunks])  # (N, K)
        if raw.shape[1] == 1 and self.roots.size:  # one score tells two classes apart
            raw = np.concatenate([np.zeros_like(raw), raw], axis=1)
        return softmax(raw)

    def _raw(self, codes: np.ndarray) -> np.ndarray:
        node = np.broadcast_to(self.roots, (len(codes), *self.roots.shape))
        row = np.arange(len(codes))[:, None, None]
        while node.size:
            goes_left = codes[row, self.feature[node]] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            if (child == node).all():
                break
            node = child
        return self.baseline + self.value[node].sum(axis=1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Trees:
        return cls(*(arrays[name] for name in _ARRAYS))

    @classmethod
    def constant(cls) -> Trees:
        """What is left of a booster where there is one class only."""
        empty = np.zeros(0)
        index = empty.astype(np.int32)
        return cls(np.zeros(1), index.reshape(0, 1), index, empty, index, index, empty)

    @classmethod
    def from_booster(cls, booster: Booster) -> Trees:
        """Take the trees out of a fitted `HistGradientBoostingClassifier`."""
        grown = [tree.nodes for iteration in booster._predictors for tree in iteration]
        starts = np.cumsum([0, *(len(tree) for tree in grown)])[:-1]
        nodes = np.concatenate(grown)
        offset = np.repeat(starts, [len(tree) for tree in grown])
        leaf = nodes["is_leaf"].astype(bool)
        own = np.arange(len(nodes))
        left, right = (
            np.where(leaf, own, nodes[side].astype(np.int64) + offset).astype(np.int32)
            for side in ("left", "right")
        )
        feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32)
        threshold = np.where(leaf, 0.0, nodes["num_threshold"])
        value = np.where(leaf, nodes["value"], 0.0)
        baseline = np.ravel(booster._baseline_prediction)
        roots = starts.reshape(-1, len(baseline)).astype(np.int32)
        return cls(baseline, roots, feature, threshold, left, right, value)


def fit_booster(codes: np.ndarray, targets: np.ndarray, seed: int) -> Booster:
    """A fitted `HistGradientBoostingClassifier` for at least two classes.

    Stops when the loss on a tenth of the rows, held out so that no class loses its last row, has
    fallen by less than `TOLERANCE` in 5 iterations: a limit of 200 cut off factors of many values.
    Where there are too few rows to hold out any, it runs 100.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    held_out = _held_out(targets, seed)
    enough = bool(held_out.any())
    booster = HistGradientBoostingClassifier(
        learning_rate=0.15,
        max_iter=MAX_ITERATIONS if enough else 100,
        l2_regularization=10.0,
        early_stopping=enough,
        n_iter_no_change=PATIENCE,
        tol=TOLERANCE,
        min_samples_leaf=int(np.clip(len(codes) // 50, 1, 20)),
        random_state=seed,
    )
    if not enough:
        return booster.fit(codes, targets)
    kept = ~held_out
    return booster.fit(codes[kept], targets[kept], X_val=codes[held_out], y_val=targets[held_out])


def _held_out(targets: np.ndarray, seed: int) -> np.ndarray:
    """Mark a random tenth of the rows, never the last one of a class; none below 100 rows."""
    marked = np.zeros(len(targets), dtype=bool)
    if len(targets) < 100:
        return marked
    order = np.random.default_rng(seed).permutation(len(targets))
    spare = np.ones(len(targets), dtype=bool)
    spare[np.unique(targets[order], return_index=True)[1]] = False
    marked[order[spare][: int(HELD_OUT * len(targets))]] = True
    return marked
