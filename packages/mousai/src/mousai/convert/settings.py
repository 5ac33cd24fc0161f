"""Settings of a model that its checkpoint does not tell, and where the import has them from."""

from collections.abc import Mapping

from mousai.convert.rules import LayoutError
from mousai.errors import UserError

KNOWN = {
    "attention_heads": "heads of every attention",
    "cross_attentions": "for each level whether it reads the embedding, as 0,1,1",
    "resnet_groups": "groups of the U-Net's normalisations (8)",
    "encoder_groups": "groups of the encoder's normalisations (8)",
    "sample_rate": "Hz (48000)",
    "bottleneck": "tanh or none",
    "transform_stride": "samples per patch of the learned transform (its window)",
    "stft_num_fft": "length of the encoder's Fourier transform",
    "use_log": "the encoder takes the logarithm of the magnitudes (false)",
    "mel_sample_rate": "rate that the mel filters are laid out for (sample_rate)",
    "mel_normalize": "as given to MelE1d (false)",
    "mel_normalize_log": "as given to MelE1d (false)",
}
"""Each name with its meaning and, in brackets, what is assumed; what has no brackets is asked for where it matters."""


class Settings:
    """Settings by name, from the user or from the table of released models.

    Args:
        given: name -> value as text.

    Raises:
        UserError: a name is unknown.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        for name in given:
            if name not in KNOWN:
                raise UserError("settings", name, f"no such setting; known: {', '.join(KNOWN)}")
        self._given = dict(given)
        self._read: set[str] = set()
        self.assumed: dict[str, str] = {}
        """Settings that were not given and taken as the library's defaults; to be told to the user."""

    def whole(self, name: str, *, default: int | None = None, ask: str = "N") -> int:
        """A whole number of 1 or more; UserError where it is not, LayoutError where it has to be asked for."""
        text = self._text(name, None if default is None else str(default), ask)
        if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:12]) < 10**9:
            raise UserError("settings", f"{name}={text}", "must be a whole number of 1 or more")
        return int(text)

    def given(self, name: str) -> bool:
        """Tell whether it was given."""
        return name in self._given

    def flags(self, name: str, count: int) -> list[bool]:
        """Flags, `count` times 0 or 1, which have to be given."""
        text = self._text(name, None, ",".join(["0"] * (count - 1) + ["1"]))
        found = text.replace(" ", "").split(",")
        if len(found) != count or not {*found} <= {"0", "1"}:
            raise UserError("settings", f"{name}={text}", f"must be {count} times 0 or 1, with commas between")
        return [flag == "1" for flag in found]

    def truth(self, name: str, *, default: bool) -> bool:
        """True or false."""
        text = self._text(name, str(default).lower(), "true").lower()
        if text not in ("true", "false"):
            raise UserError("settings", f"{name}={text}", "must be true or false")
        return text == "true"

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of some words, which has to be given."""
        text = self._text(name, None, " or ".join(choices))
        if text not in choices:
            raise UserError("settings", f"{name}={text}", f"must be {' or '.join(choices)}")
        return text

    def require_all_read(self) -> None:
        """Refuse, by a UserError, what was given and this model has no use for."""
        for name in self._given:
            if name not in self._read:
                raise UserError("settings", f"{name}={self._given[name]}", "this model has none; leave it out")

    def _text(self, name: str, default: str | None, ask: str) -> str:
        self._read.add(name)
        if name in self._given:
            return self._given[name]
        if default is None:
            raise LayoutError(f"{name} ({KNOWN[name]}) is not in the file; give --set {name}={ask}")
        self.assumed[name] = default
        return default
