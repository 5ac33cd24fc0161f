"""A loader whose worker processes hand a user's mistake to the main process as it is.

PyTorch makes the error of a worker again from its text and its traceback alone, by which a `UserError` would lose its
field, its value and its one line. Here a worker returns such an error in place of its batch, and the loader raises it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

from mousai.errors import UserError
from mousai.training.data.index_sampler import collate

Item = Mapping[str, Any]


class ItemLoader(DataLoader[Item | UserError]):
    """Batches of items.

    Args:
        items: items by index.
        batch: items in a batch.
        sampler: order of the items.
        workers: processes that make them; 0 is this one.
    """

    def __init__(self, items: Any, *, batch: int, sampler: Sampler[int], workers: int) -> None:
        super().__init__(
            _Guarded(items), batch_size=batch, sampler=sampler, num_workers=workers, collate_fn=_collate_unless_failed
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches; raises the `UserError` that an item raised."""
        for batch in super().__iter__():
            if isinstance(batch, UserError):
                raise batch
            yield batch


class _Guarded(Dataset[Item | UserError]):
    """Items, or the error of the user that one of them raised."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __getitem__(self, index: int) -> Item | UserError:
        try:
            found: Item = self.items[index]
        except UserError as error:
            return error
        return found


def _collate_unless_failed(items: Sequence[Item | UserError]) -> dict[str, Any] | UserError:
    found: list[Item] = []
    for item in items:
        if isinstance(item, UserError):
            return item
        found.append(item)
    return collate(found)
