"""Which checkpoints belong together."""

import shutil

from dviz.results.zoo import read_zoo, transfers_of
from tests.ui.material import NAMES

SOURCE = NAMES[0]


def test_a_transfer_is_its_source_its_direct_copy_and_its_fine_tuned_child(zoo):
    (transfer,) = transfers_of(read_zoo(zoo))
    found = (transfer.source, transfer.direct, transfer.tuned)
    assert tuple(model.config.name for model in found) == NAMES
    shutil.rmtree(zoo / SOURCE)
    assert not transfers_of(read_zoo(zoo))


def test_a_score_lies_between_its_two_halves(zoo):
    for model in read_zoo(zoo):
        for pooling in ("avg", "max"):
            whole, *halves = (
                getattr(model.result.omes(pooling=pooling), what)
                for what in ("omes", "modularity", "compactness")
            )
            assert min(halves) <= whole <= max(halves)
