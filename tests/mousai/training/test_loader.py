"""The loader of a run: what its worker processes find wrong is raised as it was."""

import itertools

import pytest
import torch

from mousai.data.shards.fetch import ShardError
from mousai.training.data.index_sampler import IndexSampler
from mousai.training.data.loader import ItemLoader


class Items:
    """Item n is n, but one that is not there and one that is a fault of the program."""

    def __getitem__(self, index: int) -> dict[str, object]:
        if index == 5:
            raise ShardError("a.tar", 5, "is missing")
        if index == 9:
            raise KeyError("fault")
        return {"number": torch.tensor(index), "name": str(index)}


def loader(first: int, workers: int) -> ItemLoader:
    return ItemLoader(Items(), batch=2, sampler=IndexSampler(first=first), workers=workers)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_user_comes_as_it_was_raised(workers: int):
    batches = iter(loader(0, workers))
    first, second = itertools.islice(batches, 2)
    assert first["number"].tolist() == [0, 1] and second["name"] == ["2", "3"]
    with pytest.raises(ShardError) as caught:
        next(batches)
    assert (caught.value.field, caught.value.value, caught.value.hint) == ("a.tar", 5, "is missing")


def test_a_fault_keeps_the_traceback_of_its_process():
    with pytest.raises(KeyError, match="Traceback"):
        next(iter(loader(8, 1)))
