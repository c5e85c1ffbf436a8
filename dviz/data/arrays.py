"""Images and labels of one's own that are in memory already: arrays, a torch or a Hugging Face
dataset. Pairs, metrics, probes and fine-tuning work on them as on any other dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dviz.data.array_labels import as_array, factors_of, photographs_of
from dviz.data.info import DatasetInfo
from dviz.data.labels import PHOTOGRAPH
from dviz.data.numbers import Span, holds_numbers, span_of, widest
from dviz.data.photos import to_model_input, to_rgb
from dviz.data.table import TableDataset
from dviz.errors import DatasetError
from dviz.factors import FactorSpace

SIDE = 64
MOST = 200_000  # images held in memory, 12 kB each
IN_MEMORY = "in memory"


class ArrayDataset(TableDataset):
    """N images in memory and their labels.

    Args:
        images: uint8 (N, 64, 64, 3).
        space: F factors; table: class indices int64 (N, F), −1 where a label is unknown.
        name: what it is called in reports.
        photographs: which images belong together, int64 (N,); None: each stands for itself.
    """

    def __init__(
        self,
        images: np.ndarray,
        space: FactorSpace,
        table: np.ndarray,
        name: str = "arrays",
        photographs: np.ndarray | None = None,
    ) -> None:
        super().__init__(space, table, photographs)
        self.name = name
        self.info = DatasetInfo(
            name,
            title=name,
            description="Images and labels given as arrays.",
            needs_files=True,
            licence="yours",
            factors_known=False,
            origin=IN_MEMORY,
        )
        self._images = images

    def images(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return self._images[indices]


def from_arrays(
    images: Any,
    labels: Any = None,
    names: Sequence[str] | None = None,
    name: str = "arrays",
    photographs: Any = None,
) -> ArrayDataset:
    """A dataset of images and labels.

    Args:
        images: (N, H, W, 3), (N, 3, H, W), with 1 channel for 3, or grey (N, H, W): uint8,
            booleans, or floats in [0, 1]; or a sequence of such pictures or of PIL's. They are cut
            to their middle square and resized to 64 × 64.
        labels: (N,) or (N, F), a table (pandas) or a mapping from names to columns: whole numbers,
            words, anything with an order. NaN and None are labels that are not known. None: no
            labels; the dataset can be encoded and learnt from, but not scored.
        names: of the F factors, where `labels` does not say.
        name: of the dataset.
        photographs: which images belong together, (N,) numbers or words, as those of one
            photograph, slide or film do: all of them train a probe, or all test it. NaN and None:
            an image that stands for itself. None: a column "photograph" of `labels`, if any.

    Raises:
        ValueError: images or labels are none of these, or do not fit each other.
    """
    pictures = _pictures(images)
    if photographs is None and isinstance(labels, pd.DataFrame | Mapping) and PHOTOGRAPH in labels:
        photographs = labels[PHOTOGRAPH]
        labels = {key: labels[key] for key in labels if key != PHOTOGRAPH} or None
    space, table = factors_of(labels, names, len(pictures))
    return ArrayDataset(pictures, space, table, name, photographs_of(photographs, len(pictures)))


def from_torch(
    dataset: Any,
    labels: Any = None,
    names: Sequence[str] | None = None,
    name: str = "torch",
    photographs: Any = None,
) -> ArrayDataset:
    """A `torch.utils.data.Dataset` that gives an image, or an image and labels, a number.

    Args:
        labels: as `from_arrays` takes them, in place of those that the dataset gives.
        photographs: as `from_arrays` takes them.

    An item is a picture, or (picture, label), (picture, (label, label, …)), (picture, label,
    label, …), or a mapping of which `image` is the picture and all else are labels.

    Raises:
        ValueError: an item is none of these. DatasetError: there are more than fit.
    """
    items = [_item(dataset[i]) for i in range(_bounded(len(dataset)))]
    if not items:
        raise DatasetError("the dataset holds no images")
    images, own = zip(*items, strict=True)
    if labels is not None:
        return from_arrays(images, labels, names, name, photographs)
    if isinstance(own[0], Mapping):
        table: Any = pd.DataFrame(list(own))
    else:
        table = pd.DataFrame([list(row) for row in own], columns=None)
        names = names or [f"factor {j + 1}" for j in range(table.shape[1])]
    return from_arrays(images, table if table.shape[1] else None, names, name, photographs)


def from_huggingface(
    dataset: Any,
    image: str = "image",
    labels: Sequence[str] | None = None,
    name: str = "",
    photographs: str | None = None,
) -> ArrayDataset:
    """A `datasets.Dataset` of Hugging Face: one column of images, the others are labels.

    Args:
        image: the column of images.
        labels: the columns that are factors; by default all others of single values.
        photographs: the column that says which images belong together; by default "photograph".

    Raises:
        DatasetError: there is no such column, or there are more images than fit.
    """
    columns = list(dataset.column_names)
    if photographs is None and PHOTOGRAPH in columns:
        photographs = PHOTOGRAPH
    if not isinstance(photographs, str | None):
        raise ValueError("photographs of a Hugging Face dataset is the name of its column")
    together = () if photographs is None else (photographs,)
    absent = [column for column in (image, *(labels or ()), *together) if column not in columns]
    if absent:
        raise DatasetError(f"there is no column {absent[0]!r}; there are {', '.join(columns)}")
    kept = labels if labels is not None else _single_valued(dataset, image, *together)
    pictures = [dataset[i][image] for i in range(_bounded(len(dataset)))]
    table = {column: _named(dataset, column) for column in kept}
    name = name or getattr(dataset.info, "dataset_name", None) or "datasets"
    rows = _named(dataset, photographs) if photographs else None
    return from_arrays(pictures, table or None, name=name, photographs=rows)


def as_dataset(source: Any, labels: Any = None, **more: Any) -> ArrayDataset:
    """Whatever holds images as a dataset: see `from_arrays`, `from_torch`, `from_huggingface`."""
    if hasattr(source, "column_names") and hasattr(source, "features"):
        return from_huggingface(source, labels=labels, **more)
    plain = isinstance(source, np.ndarray | list | tuple) or hasattr(source, "__array__")
    if not plain and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return from_torch(source, labels, **more)
    return from_arrays(source, labels, **more)


def _bounded(count: int) -> int:
    if count > MOST:
        raise DatasetError(
            f"the dataset has {count:,} images; up to {MOST:,} are held in memory: take some, "
            "for example with torch.utils.data.Subset or .select(range(...))"
        )
    return count


def _pictures(images: Any) -> np.ndarray:
    """uint8 (N, 64, 64, 3) of whatever `from_arrays` takes."""
    if isinstance(images, str | bytes | Mapping):
        raise ValueError(f"images must be an array or a sequence of pictures, got {images!r:.60}")
    rows = images if isinstance(images, Sequence) else as_array(images)
    if isinstance(rows, np.ndarray) and not rows.ndim:
        raise ValueError(f"images are {type(images).__name__}; expected an array or a list")
    count = _bounded(len(rows))
    if not count:
        raise DatasetError("there are no images")
    pictures = np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
    numbers = [span_of(image) for image in rows if _is_pillow(image) and holds_numbers(image)]
    span = widest(numbers) if numbers else None
    for picture, image in zip(pictures, rows, strict=True):
        picture[:] = to_model_input(_picture(image, span))
    return pictures


def _is_pillow(image: Any) -> bool:
    return hasattr(image, "convert")


def _picture(image: Any, span: Span | None = None) -> np.ndarray:
    """uint8 (H, W, 3) of one picture in any of the usual forms."""
    if _is_pillow(image):
        return to_rgb(image, span=span)
    pixels = as_array(image)
    if pixels.ndim == 3 and pixels.shape[-1] not in (1, 3) and pixels.shape[0] in (1, 3):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(
            f"an image has shape {pixels.shape}; expected (H, W, 3), (3, H, W), or 1 channel for 3"
        )
    if pixels.dtype == bool:
        pixels = pixels.astype(np.float32)
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= -1e-3 and high <= 1 + 1e-3):
            raise ValueError(
                f"an image has values from {low:.3g} to {high:.3g}; expected uint8 or floats in "
                "[0, 1] (leave normalisation off)"
            )
        pixels = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ValueError(f"an image has type {pixels.dtype}; expected uint8 or floats in [0, 1]")
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _item(item: Any) -> tuple[Any, Any]:
    """Picture and labels of what a torch dataset gives."""
    if isinstance(item, Mapping):
        if "image" not in item:
            raise ValueError(f"an item has no 'image'; its keys are {', '.join(map(str, item))}")
        return item["image"], {k: _single(v) for k, v in item.items() if k != "image"}
    if not isinstance(item, tuple | list):
        return item, ()
    image, *labels = item
    if len(labels) == 1:
        return image, tuple(as_array(labels[0]).ravel().tolist())
    return image, tuple(map(_single, labels))


def _single(value: Any) -> Any:
    """A number or word, also out of an array of one."""
    array = as_array(value)
    if array.size != 1:
        raise ValueError(f"a label has shape {array.shape}; expected single values")
    return array.item()


def _single_valued(dataset: Any, *apart: str) -> list[str]:
    """Columns of single values, without those `apart`."""
    first = dataset[0] if len(dataset) else {}
    kinds = (str, bool, int, float, type(None))
    return [c for c in dataset.column_names if c not in apart and isinstance(first.get(c), kinds)]


def _named(dataset: Any, column: str) -> Iterable[Any]:
    """A column's values, as words in their order where the dataset has words for its numbers."""
    values, words = list(dataset[column]), getattr(dataset.features[column], "names", None)
    if not words:
        return values
    return pd.Categorical.from_codes([-1 if v is None else v for v in values], words)
