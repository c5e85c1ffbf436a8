"""What images there are."""

from dviz.data.base import FactorDataset
from dviz.data.info import DatasetInfo
from dviz.data.registry import dataset_info, list_datasets, load_dataset

__all__ = ["DatasetInfo", "FactorDataset", "dataset_info", "list_datasets", "load_dataset"]
