"""Songs in WebDataset tar files, to be read from a disk or from object storage: packed by `pack`, read by `read`."""

from mousai.data.shards.fetch import ShardCache, ShardError, default_folder
from mousai.data.shards.read import ShardSet, is_elsewhere, is_shards, open_shards, records_of

__all__ = [
    "ShardCache",
    "ShardError",
    "ShardSet",
    "default_folder",
    "is_elsewhere",
    "is_shards",
    "open_shards",
    "records_of",
]
