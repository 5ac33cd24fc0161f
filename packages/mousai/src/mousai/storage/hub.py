"""The Hugging Face hub: the form of an id, and the files of one at a pinned commit."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mousai.errors import UserError

DATA = ("*.json", "*.safetensors")
"""Patterns of the files that are fetched, in every folder of a model: data, and no code."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_hub_id(text: str) -> bool:
    """Tell whether this may be an id, "owner/name", and is no path."""
    return text.count("/") == 1 and not text.startswith((".", "/", "~"))


def download(
    name: str, *, revision: str | None, patterns: Sequence[str] = DATA, field: str = "model", pinned: bool = True
) -> Path:
    """Fetch the files that match and return their folder.

    Args:
        name: id, "owner/name".
        revision: commit, its 40 hexadecimal digits.
        patterns: patterns of the wanted files.
        field: name of the argument that the id was given as, for messages.
        pinned: whether a name of a commit, which may be moved to another one, is refused.

    Raises:
        UserError: they cannot be had; one line with the reason.
    """
    if revision is None or (pinned and not _COMMIT.fullmatch(revision)):
        given = "" if revision is None else f", not {revision!r}: a branch or a tag can be moved"
        raise UserError(field, name, f"a model of the hub needs its commit as revision, 40 hexadecimal digits{given}")
    from huggingface_hub import snapshot_download

    try:
        with _without_telemetry():
            return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except (OSError, ValueError) as error:
        raise UserError(field, name, f"cannot be had at {revision}: {error}") from error


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Inside the block huggingface_hub asks for the files alone.

    Otherwise it also fetches a list of coding agents, and tells the hub which of them runs this program and which
    PyTorch is installed. It reads the setting at each request, and the environment only when it is imported.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_DISABLE_TELEMETRY
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = before
