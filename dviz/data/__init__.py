"""What images there are."""

from dviz.data.base import FactorDataset
from dviz.data.registry import list_datasets, load_dataset

__all__ = ["FactorDataset", "list_datasets", "load_dataset"]
