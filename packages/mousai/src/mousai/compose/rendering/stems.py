"""The layers of a rendered song as files of their own."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layers import LAYERS
from .render import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PLACE = "stems/{:06d}/{}.flac"
"""Path of a stem of a song below the data set's folder."""


def stem_names(index: int) -> dict[str, str]:
    """The file names of the stems of song `index`, below the data set's folder."""
    return {layer: PLACE.format(index, layer) for layer in LAYERS}


def write_stems(stems: "Mapping[str, NDArray[np.float32]]", folder: Path, index: int) -> dict[str, Any]:
    """Write the stems of a song as FLAC of 24 bits and return what its row says of them.

    The sum of the stems is the mix before the limiter and may exceed full scale, which FLAC cannot hold. So all four
    are divided by `stems_gain`, the smallest power of two that lets every sample fit: 1 for most songs, 2 for loud
    ones. Their sum times `stems_gain` is the mix before the limiter.
    """
    from ...audio.encoding import encoded_file

    peak = max(float(abs(stem).max(initial=0.0)) for stem in stems.values())
    gain = 2.0 ** max(math.ceil(math.log2(peak)), 0) if peak > 0 else 1.0
    names = stem_names(index)
    for layer in LAYERS:
        path = folder / names[layer]
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = (stems[layer] / gain).T
        with encoded_file(path, SAMPLE_RATE, sound.shape[1], format="FLAC", subtype="PCM_24") as file:
            file.write(sound)
    return {"stems": names, "stems_gain": gain}
