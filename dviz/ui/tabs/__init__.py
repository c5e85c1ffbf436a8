"""The tabs, in the order of the page: a new one is a file here and a line in TABS."""

from __future__ import annotations

from dviz.ui.tabs import (
    association,
    codes_map,
    datasets,
    dimension,
    photos,
    transfer,
    traverse,
    your_data,
)
from dviz.ui.tabs.base import Tab

TABS: tuple[Tab, ...] = (
    traverse.TAB,
    codes_map.TAB,
    dimension.TAB,
    photos.TAB,
    association.TAB,
    transfer.TAB,
    your_data.TAB,
    datasets.TAB,
)
