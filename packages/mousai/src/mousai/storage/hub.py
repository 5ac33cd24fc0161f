"""The Hugging Face hub: the form of an id, and the files of one at a pinned revision."""

from collections.abc import Sequence
from pathlib import Path

from mousai.errors import UserError


def is_hub_id(text: str) -> bool:
    """Tell whether this may be an id, "owner/name", and is no path."""
    return text.count("/") == 1 and not text.startswith((".", "/", "~"))


def download(name: str, *, revision: str, patterns: Sequence[str], field: str = "model") -> Path:
    """Fetch the files that match and return their folder.

    Args:
        name: id, "owner/name".
        revision: commit, or a reference to one.
        patterns: patterns of the wanted files.
        field: name of the argument that the id was given as, for messages.

    Raises:
        UserError: they cannot be had; one line with the reason.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except (OSError, ValueError) as error:
        raise UserError(field, name, f"cannot be had at {revision}: {error}") from error
