"""All parts of `mousai evaluate --control`, those that a model can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mousai.evaluation.control.editing import measure_edit, measure_extend
from mousai.evaluation.control.following import measure_chords, measure_melody
from mousai.evaluation.control.looping import measure_loop
from mousai.evaluation.control.songs import ReferenceSong, composed_songs, folder_songs, songs_for
from mousai.evaluation.control.streaming import measure_stream
from mousai.evaluation.control.varying import measure_vary
from mousai.evaluation.control.workplace import PartResult, Workplace
from mousai.evaluation.control_config import FROM_SONGS, ControlConfig

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

NEEDS = {"chords": "chords", "melody": "melody"}
"""What a model must have been trained to follow for a part."""
OF_SONGS = {
    "edit": measure_edit,
    "extend": measure_extend,
    "chords": measure_chords,
    "melody": measure_melody,
    "vary": measure_vary,
}
ALONE = {"loop": measure_loop, "stream": measure_stream}


@dataclass(frozen=True)
class ControlResult:
    """Results of the parts.

    Args:
        parts: result of each part that was measured.
        unable: of each part that the model cannot do, one line that says why.
    """

    parts: Mapping[str, PartResult] = field(default_factory=dict)
    unable: Mapping[str, str] = field(default_factory=dict)


def unable_parts(config: ControlConfig, pipeline: "Mousai") -> dict[str, str]:
    """The parts that a model cannot do, each with one line that says why."""
    controls = pipeline.controls
    return {
        part: f"this model does not follow {NEEDS[part]}"
        for part in config.parts
        if part in NEEDS and NEEDS[part] not in controls
    }


def reference_songs(place: Workplace, parts: Sequence[str]) -> dict[str, list[ReferenceSong]]:
    """The songs of each of some parts.

    Raises:
        UserError: the given folder holds none that would do.
    """
    config = place.config
    if config.references is not None:
        songs = folder_songs(config.references)
    else:
        most = max((config.count(part) for part in parts), default=0)
        songs = composed_songs(place.folder / "songs", most, place.lengths)
    return {part: songs_for(part, songs, config, place.lengths) for part in parts}


def measure_control(place: Workplace) -> ControlResult:
    """Measure the parts that the model can do.

    Raises:
        UserError: a folder or a tool is missing, or the songs would not do.
    """
    unable = unable_parts(place.config, place.pipeline)
    doable = [part for part in place.config.parts if part not in unable]
    songs = reference_songs(place, [part for part in doable if part in FROM_SONGS])
    found = {part: OF_SONGS[part](place, songs[part]) if part in OF_SONGS else ALONE[part](place) for part in doable}
    return ControlResult(found, unable)
