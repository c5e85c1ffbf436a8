"""Datasets that are a list of labelled images: photographs, a folder of one's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from dviz.data.base import FactorDataset
from dviz.errors import DatasetError
from dviz.factors import UNIFORM, FactorSpace

UNKNOWN = -1
LEAST_PHOTOGRAPHS = 3  # one to learn from, two to be asked about
AT_ONCE = 32  # pairs sought together; the search holds AT_ONCE · N · F bytes


class TableDataset(FactorDataset):
    """N images with a table of labels, which need not hold every combination of factor values.

    Args:
        space: the factors; none for images without labels.
        table: class indices int64 (N, F); −1 where a label is unknown. Pairs are only made of
            images whose labels are all known.
        photographs: which images belong together, int64 (N,); None: what their factors say.

    Raises:
        ValueError: these have another form.
    """

    is_grid = False

    def __init__(
        self, space: FactorSpace, table: np.ndarray, photographs: np.ndarray | None = None
    ) -> None:
        if table.ndim != 2 or table.shape[1] != len(space):
            raise ValueError(f"table has shape {table.shape}; expected (N, {len(space)})")
        if ((table < UNKNOWN) | (table >= space.sizes)).any():
            raise ValueError("table holds class indices outside of the factors' sizes")
        if photographs is not None and photographs.shape != (len(table),):
            raise ValueError(
                f"photographs has shape {photographs.shape}; expected ({len(table)},), one an image"
            )
        self.space = space
        self.table = table
        self.own_photographs = photographs
        self._complete = np.flatnonzero((table != UNKNOWN).all(axis=1))

    @abstractmethod
    def images(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Images uint8 (N, 64, 64, 3) with these numbers."""

    @property
    def num_images(self) -> int:
        return len(self.table)

    def factors(self, indices: np.ndarray) -> np.ndarray:
        return self.table[indices]

    def render(self, classes: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """One image for each row of `classes`, uint8 (N, 64, 64, 3).

        Of several images with these labels a random one, or the first where `rng` is None.

        Raises:
            DatasetError: no image has these labels.
        """
        rows = []
        for wanted in np.asarray(classes):
            found = np.flatnonzero((self.table == wanted).all(axis=1))
            if not len(found):
                labels = zip(self.space.factors, wanted.tolist(), strict=True)
                text = ", ".join(f"{factor.name} {factor.label(value)}" for factor, value in labels)
                raise DatasetError(f"{self.name} has no image with {text}")
            rows.append(rng.choice(found) if rng else found[0])
        return self.images(np.array(rows, dtype=np.int64), rng)

    def photographs_of(self, indices: np.ndarray) -> np.ndarray | None:
        own = self.own_photographs
        return super().photographs_of(indices) if own is None else own[indices]

    def sample_indices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(len(self.table), size=n)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows = self.sample_indices(n, rng)
        return self.images(rows, rng), self.factors(rows)

    def sample_pairs(
        self, n: int, rng: np.random.Generator, k: int | str = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`n` pairs of images that differ in exactly `k` factors each.

        The first is uniform over the images that have a partner. With k = "uniform" the number of
        factors is drawn from those in which the first has one; the second is uniform over those.

        Returns:
            first, second: uint8 (n, 64, 64, 3); changed: bool (n, F).

        Raises:
            DatasetError: there are no two such images.
            ValueError: `k` is neither "uniform" nor between 1 and the number of factors.
        """
        most = max(len(self.space.varying), 1)
        if k != UNIFORM and not (isinstance(k, int) and 1 <= k <= most):
            raise ValueError(f"k is {k!r}; allowed are 'uniform' and 1 to {most}")

        def partners(differ: np.ndarray) -> np.ndarray:
            count = differ.sum(axis=-1)  # (n, N)
            if k != UNIFORM:
                return count == k
            present = (count[..., None] == np.arange(1, most + 1)).any(axis=1)  # (n, most)
            return count == 1 + _one_a_row(present, rng)[:, None]

        number = "some factors" if k == UNIFORM else f"exactly {k} factor{'s'[: k != 1]}"
        first, second = self._pairs(n, rng, partners, number)
        changed = self.table[first] != self.table[second]
        return self.images(first, rng), self.images(second, rng), changed

    def sample_pairs_of(
        self, n: int, factor: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        alone = np.arange(len(self.space)) == factor

        def partners(differ: np.ndarray) -> np.ndarray:
            return (differ == alone).all(axis=-1)

        name = self.space.names[factor]
        first, second = self._pairs(n, rng, partners, f"{name!r} alone")
        return self.images(first, rng), self.images(second, rng)

    def _pairs(
        self,
        n: int,
        rng: np.random.Generator,
        partners: Callable[[np.ndarray], np.ndarray],
        what: str,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows of `n` pairs, two of int64 (n,).

        Args:
            partners: from where two images differ, bool (m, N, F), to which may be paired (m, N).
            what: in what they are to differ, for the error.
        """
        table = self.table[self._complete]
        candidates = np.arange(len(table))
        first: list[int] = []
        second: list[int] = []
        while len(first) < n:
            if not len(candidates):
                raise DatasetError(
                    f"{self.name} has no two fully labelled images that differ in {what}; "
                    "use single images (--supervision none)"
                )
            chosen = rng.choice(candidates, min(AT_ONCE, n - len(first)))
            allowed = partners(table[chosen, None] != table)
            found = allowed.any(axis=1)
            if not found.any():
                candidates = _with_partner(table, partners)
            first += chosen[found].tolist()
            second += _one_a_row(allowed[found], rng).tolist()
        return self._complete[first], self._complete[second]


def number_photographs(names: Sequence[Hashable | None], source: str) -> np.ndarray | None:
    """Which photograph each of N images belongs to, int64 (N,); None where each stands for itself.

    Args:
        names: of photographs; None for an image of none, which has one of its own.
        source: what to call them in an error.

    Raises:
        DatasetError: there are fewer than three.
    """
    own = [(name, UNKNOWN if name is not None else row) for row, name in enumerate(names)]
    number = {key: i for i, key in enumerate(dict.fromkeys(own))}
    if len(number) < min(LEAST_PHOTOGRAPHS, len(names)):
        raise DatasetError(
            f"{source}: {len(number)} photographs for {len(names):,} images; probes learn from "
            f"some and are asked about others, so name at least {LEAST_PHOTOGRAPHS}, or call it "
            "something else if it is a factor"
        )
    if len(number) == len(names):
        return None
    return np.array([number[key] for key in own], dtype=np.int64)


def _with_partner(table: np.ndarray, partners: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Which rows of `table` may be paired with any."""
    parts = np.array_split(table, -(-len(table) // AT_ONCE))
    return np.flatnonzero(
        np.concatenate([partners(part[:, None] != table).any(axis=1) for part in parts])
    )


def _one_a_row(allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each row of bool (m, N) a column that is True, uniform over those, int64 (m,)."""
    return np.where(allowed, rng.random(allowed.shape), -1).argmax(axis=1)
