"""Result of a pipeline: sound, and everything that it takes to make it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from mousai.audio.loop_tags import LoopTag
from mousai.errors import UserError
from mousai.settings import number_word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class MousaiOutput:
    """Sound that a pipeline made.

    Args:
        audios: float32 [prompts * num_waveforms_per_prompt, channels, samples] in [-1, 1], a tensor or a NumPy array as
            `output_type` says; or the latents [.., latent_channels, frames].
        sample_rate: Hz.
        seeds: one for each audio: the same prompt and settings with it make the same audio again; alone, or in another
            batch, it is the same to the bit if the call was `exact`.
        prompts: one for each audio.
        tempos: usual tempo (beats per minute) that each audio was given since its prompt states none, else None; its
            file stores it.
        settings: all other settings by the names of the command line's options, as each file stores them.
        output_type: "pt", "np" or "latent".
        bits: resolution in which WAV and FLAC files are written; of an edited recording that of the recording, so that
            what was kept is the same in the file. 32 are floats, and 24 bits in FLAC.
        loop: tempo and beats of a loop, whose file says that it repeats.
    """

    audios: "Tensor | NDArray[np.float32]"
    sample_rate: int
    seeds: tuple[int, ...]
    prompts: tuple[str, ...]
    tempos: tuple[float | None, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    output_type: str = "pt"
    bits: Literal[16, 24, 32] = 24
    loop: LoopTag | None = None

    @property
    def seed(self) -> int:
        """Seed of the first audio."""
        return self.seeds[0]

    def save(
        self, path: str | PathLike[str], *, overwrite: bool = False, metadata: Mapping[str, str] | None = None
    ) -> list[Path]:
        """Write each audio to a file with its prompt, seed and settings, and return the files.

        Args:
            path: .wav, .flac, .ogg or .mp3; several audios are numbered before the dot, from 1.
            overwrite: replace files that exist.
            metadata: what else to store.

        Raises:
            UserError: the audios are latents, or a file cannot be written; nothing is written then.
        """
        from mousai import __version__
        from mousai.audio.files import write_audio
        from mousai.audio.outputs import check_output
        from mousai.audio.writing import as_array

        if self.output_type == "latent":
            raise UserError("output_type", "latent", "makes no sound that could be saved; decode the latents first")
        paths = numbered(Path(path), len(self.audios))
        for one in paths:
            check_output(one, overwrite)
        stored = {name: str(value) for name, value in self.settings.items() if value is not None}
        tempos = self.tempos or (None,) * len(paths)
        for one, audio, prompt, seed, tempo in zip(paths, self.audios, self.prompts, self.seeds, tempos, strict=True):
            about = {"mousai": __version__, "prompt": prompt, "seed": str(seed), **stored, **(metadata or {})}
            if tempo is not None:
                about.setdefault("tempo", number_word(tempo))
            write_audio(
                one,
                as_array(audio),
                self.sample_rate,
                overwrite=overwrite,
                metadata=about,
                peak="keep",  # of a recording that goes beyond, of which samples stay; what is made does not
                bits=self.bits,
                loop=self.loop,
            )
        return paths


def numbered(path: Path, count: int) -> list[Path]:
    """Return `path` for one file, song-1.wav, song-2.wav, ... for several."""
    if count == 1 or not path.name or path.is_dir():
        return [path] * count
    return [path.with_stem(f"{path.stem}-{number}") for number in range(1, count + 1)]
