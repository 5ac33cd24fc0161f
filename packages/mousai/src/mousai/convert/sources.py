"""Sources of a foreign checkpoint: a file, a folder, the Hugging Face hub, or a released model's name."""

from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from mousai.convert.pickles import SUFFIXES, WHY, read_pickle
from mousai.convert.rules import LayoutError
from mousai.errors import UserError
from mousai.storage.folder_contents import check_contents
from mousai.storage.hub import DATA, download, is_hub_id
from mousai.storage.json_files import read_json
from mousai.storage.weights import WEIGHTS_NAME, CheckpointError, load_tensors

INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Released:
    """A model that its makers published, with what its own config lacks.

    Args:
        revision: commit or reference that holds safetensors.
        settings: see `mousai.convert.settings`.
    """

    revision: str
    settings: dict[str, str] = field(default_factory=dict)


RELEASED = {
    # The main branch has a pickle alone; the hub's own conversion lies on this reference.
    "archinetai/dmae1d-ATC64-v2": Released(
        "refs/pr/1", {"sample_rate": "48000", "bottleneck": "tanh", "transform_stride": "64", "stft_num_fft": "1023"}
    ),
}


@dataclass(frozen=True)
class Source:
    """A foreign checkpoint as it was read.

    Args:
        name: for messages.
        state: its tensors.
        settings: settings that are known of it beside the file.
    """

    name: str
    state: dict[str, Tensor]
    settings: dict[str, str]


def read_source(source: str, *, revision: str | None = None, allow_pickle: bool = False) -> Source:
    """Read a checkpoint's tensors.

    Args:
        source: a safetensors file, a folder with one (or with a sharded one's index), or a hub id "owner/name".
        revision: commit of a hub model, which has to be given unless the model is known by name.
        allow_pickle: read a pickle where there are no safetensors, see `mousai.convert.pickles`.

    Raises:
        UserError: there is none, or it cannot be read; one line that says what would do.
    """
    released = RELEASED.get(source)
    path = Path(source)
    if not path.exists():
        path = _from_hub(source, revision, released, allow_pickle)
    elif revision is not None:
        raise UserError("revision", revision, f"{source} is on this machine, not on the hub")
    state = _read_folder(path, allow_pickle) if path.is_dir() else _read_file(path, allow_pickle)
    return Source(source, state, dict(released.settings) if released else {})


def _from_hub(source: str, revision: str | None, released: Released | None, allow_pickle: bool) -> Path:
    if not is_hub_id(source) or source.endswith((*SUFFIXES, ".safetensors")):
        raise UserError(source, hint="no such file or folder")
    # The reference of a released model stands in this file; who may write to that repository can move it.
    pinned = revision is not None or released is None
    revision = released.revision if revision is None and released else revision
    if revision is None:
        raise UserError(source, hint="no such file or folder; for a model of the hub give its commit as --revision")
    patterns = [*DATA, *(f"*{suffix}" for suffix in SUFFIXES if allow_pickle)]
    return download(source, revision=revision, patterns=patterns, field="source", pinned=pinned)


def _read_folder(folder: Path, allow_pickle: bool) -> dict[str, Tensor]:
    check_contents(
        folder, [path.name for path in folder.iterdir() if path.suffix in (".json", ".safetensors", *SUFFIXES)]
    )
    if (folder / WEIGHTS_NAME).is_file():
        return _read_file(folder / WEIGHTS_NAME, allow_pickle)
    if (folder / INDEX).is_file():
        return _read_shards(folder)
    files = sorted(folder.glob("*.safetensors")) or [
        path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES
    ]
    if not files:
        fetched = "" if allow_pickle else "; from the hub these are fetched only with --allow-pickle"
        raise CheckpointError(folder, hint=f"holds no checkpoint: no .safetensors, nor {', '.join(SUFFIXES)}{fetched}")
    if len(files) > 1:
        raise CheckpointError(
            folder, hint=f"holds {', '.join(path.name for path in files)}; name the file that is meant"
        )
    return _read_file(files[0], allow_pickle)


def _read_shards(folder: Path) -> dict[str, Tensor]:
    path = folder / INDEX
    try:
        places = read_json(path)["weight_map"]
        names = sorted(set(places.values()))
        if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
            raise ValueError("a file outside of the folder, or no safetensors")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            path, hint=f"is no index of a sharded checkpoint ({type(error).__name__}: {error})"
        ) from error
    state: dict[str, Tensor] = {}
    for name in names:
        state |= load_tensors(folder / name)[0]
    if missing := sorted(set(places) - set(state)):
        raise CheckpointError(path, hint=f"names {missing[0]}, which {places[missing[0]]} does not hold")
    return state


def _read_file(path: Path, allow_pickle: bool) -> dict[str, Tensor]:
    if path.suffix in SUFFIXES:
        if not allow_pickle:
            raise CheckpointError(path, hint=f"is a pickle, which is not opened: {WHY}")
        return read_pickle(path)
    if path.suffix != ".safetensors":
        raise LayoutError(path, hint=f"is no checkpoint; .safetensors is read, and {', '.join(SUFFIXES)} if allowed")
    return load_tensors(path)[0]
