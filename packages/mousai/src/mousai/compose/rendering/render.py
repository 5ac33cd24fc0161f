"""A song as MIDI, and as sound: FluidSynth plays it with a General MIDI soundfont."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...storage.leftovers import temporary_folder
from ..errors import ComposeError
from ..production.buses import BUSES, bus_of
from ..production.config import PEAK, Production
from ..production.orchestras import find_orchestra
from ..production.sf3 import unpacked
from ..song import Song, Track
from .balance import LEAD_LEVEL, lead_gain
from .layers import LAYERS, layer_of
from .midi import pretty_midi, song_to_midi

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 48000
LOUDNESS = -16.0
"""RMS level of a dry song in dB below full scale."""
SILENCE = 1e-4
"""Samples up to this are none: the reverb leaves a trace even where nothing plays."""
FADE = 0.6
"""Seconds of fade at the end of a dry song."""
SOUNDFONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
)
"""Places where a soundfont is looked for when `$MOUSAI_SOUNDFONT` does not name one."""


def find_fluidsynth() -> str:
    """Path of the `fluidsynth` program. Raises ComposeError where it is not installed."""
    found = shutil.which("fluidsynth")
    if found is None:
        raise ComposeError(
            "fluidsynth is not installed; install it (Debian and Ubuntu: apt install fluidsynth fluid-soundfont-gm, "
            "macOS: brew install fluid-synth)"
        )
    return found


def find_soundfont(orchestra: str | None = None) -> Path:
    """The General MIDI soundfont: `$MOUSAI_SOUNDFONT`, that of an orchestra, or the first of `SOUNDFONTS` that exists.

    Raises ComposeError where there is none, UserError for an unknown orchestra.
    """
    named = os.environ.get("MOUSAI_SOUNDFONT")
    if named:
        # FluidSynth itself would only warn, and play with a soundfont of its own.
        if not _is_soundfont(Path(named)):
            raise ComposeError("MOUSAI_SOUNDFONT", Path(named), "is not a .sf2 or .sf3 soundfont; set it to one")
        return Path(named)
    if orchestra is not None:
        return find_orchestra(orchestra)
    for path in map(Path, SOUNDFONTS):
        if path.is_file():
            return path
    raise ComposeError(
        "no General MIDI soundfont found; install one (Debian and Ubuntu: apt install fluid-soundfont-gm) "
        "or set MOUSAI_SOUNDFONT to a .sf2 file"
    )


def soundfont_name(orchestra: str | None = None) -> str:
    """Name of who plays: the orchestra, or the file name without suffix of a soundfont that is none."""
    if orchestra is not None and not os.environ.get("MOUSAI_SOUNDFONT"):
        return orchestra
    return find_soundfont(orchestra).stem


def _is_soundfont(path: Path) -> bool:
    """Tell whether a file starts as soundfonts do: RIFF, four bytes of length, sfbk."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"sfbk"


def check_tools(orchestras: Sequence[str] = ()) -> None:
    """Raise ComposeError unless everything that rendering with all these orchestras needs is there."""
    find_fluidsynth()
    for orchestra in orchestras or (None,):
        unpacked(find_soundfont(orchestra))  # once, before several processes would do it at a time
    pretty_midi()


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderedSong:
    """A song as sound.

    `mix` is float32 `[2, samples]` at 48 kHz. `stems` has such an array for every name of `LAYERS` (zeros where
    a layer does not play); added up in that order they are the mix before the limiter. `orchestra` names the soundfont,
    `production` tells what was done to the sound, ready for JSON, and is None for a dry song. `silent` names the layers
    that have notes which the soundfont does not play.
    """

    mix: "NDArray[np.float32]"
    stems: "Mapping[str, NDArray[np.float32]]"
    orchestra: str
    production: Mapping[str, Any] | None
    silent: tuple[str, ...] = ()


def render_song(
    song: Song,
    *,
    lead_level: float = LEAD_LEVEL,
    orchestra: str | None = None,
    production: Production | None = None,
) -> RenderedSong:
    """Play a song: with no sample above `PEAK`, faded at the end; a dry one with an RMS near `LOUDNESS`.

    The melody is mixed with the rest by what both sound like, to be `lead_level` dB louder than all of it where there
    are both, and as far as `LARGEST` goes (`mousai.compose.rendering.balance`).

    Args:
        song: the song.
        lead_level: in dB.
        orchestra: name of an orchestra; None is the first soundfont that is found.
        production: how it is produced (`draw_production`); None is the dry sound of the soundfont.

    Raises ComposeError when FluidSynth, the soundfont or pretty_midi is missing, or when FluidSynth fails.
    """
    import numpy as np

    from ..production.produce import produce

    samples = round(song.duration * SAMPLE_RATE)
    font = unpacked(find_soundfont(orchestra))
    buses: dict[str, list[Track]] = {}
    for track in song.tracks:
        buses.setdefault(bus_of(track), []).append(track)
    dry = production is None
    sounds = {
        bus: _play(replace(song, tracks=tuple(buses[bus])), samples, font, dry=dry) for bus in BUSES if bus in buses
    }
    silent_buses = [bus for bus, sound in sounds.items() if not (abs(sound) > SILENCE).any()]
    if len(silent_buses) == len(sounds):
        raise ComposeError(font, hint="gave no sound; set MOUSAI_SOUNDFONT to a General MIDI soundfont")
    silent = tuple(dict.fromkeys(layer_of(buses[bus][0]) for bus in silent_buses))
    if production is not None:
        mix, stems, loudness = produce(sounds, song, production, lead_level=lead_level)
        facts = {**production.to_dict(), "reached_loudness": round(loudness, 2)}
        return RenderedSong(mix=mix, stems=stems, orchestra=soundfont_name(orchestra), production=facts, silent=silent)
    stems = {layer: np.zeros((2, samples), dtype=np.float32) for layer in LAYERS}
    for bus, sound in sounds.items():
        stems[layer_of(buses[bus][0])] += sound
    rest = stems["drums"] + stems["bass"] + stems["chords"]
    stems["lead"] *= np.float32(lead_gain(stems["lead"], rest, lead_level))
    return RenderedSong(
        mix=finish(stems), stems=stems, orchestra=soundfont_name(orchestra), production=None, silent=silent
    )


def _play(song: Song, samples: int, font: Path, *, dry: bool) -> "NDArray[np.float32]":
    """Sound that FluidSynth makes of a song, cut or padded to `[2, samples]`; with its reverb and chorus if `dry`."""
    import numpy as np
    import soundfile

    with temporary_folder() as folder:
        midi_path, wave_path = folder / "song.mid", folder / "song.wav"
        song_to_midi(song).write(str(midi_path))
        options = ["-ni", "-q", "-r", str(SAMPLE_RATE), "-g", "0.4", "-T", "wav", "-O", "float"]
        options += [] if dry else ["-R", "0", "-C", "0"]
        options += ["-o", "synth.polyphony=512", "-o", "synth.dynamic-sample-loading=1", "-F", str(wave_path)]
        command = [find_fluidsynth(), *options, str(font), str(midi_path)]
        done = subprocess.run(command, capture_output=True, text=True)
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        # Where a disk is full it ends well all the same, with a shorter file.
        cut = next((line for line in said if "write error" in line), None)
        if done.returncode != 0 or cut is not None or not wave_path.is_file():
            raise ComposeError(f"fluidsynth failed ({done.returncode}): {cut or said[-1]}")
        try:
            wave, _ = soundfile.read(wave_path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            raise ComposeError(f"fluidsynth wrote no sound: {said[-1]}") from None
    sound = np.zeros((2, samples), dtype=np.float32)
    count = min(samples, len(wave))
    sound[:, :count] = wave[:count].T
    return sound


def finish(stems: "Mapping[str, NDArray[np.float32]]") -> "NDArray[np.float32]":
    """Fade stems out and bring their sum to `LOUDNESS`, in place; return the sum with its peaks held under `PEAK`.

    Args:
        stems: float32 arrays `[2, samples]`.
    """
    import numpy as np

    from ...audio.limiter import limit
    from ..production.master import add_up, fades, narrow

    narrow(stems)
    curve = fades(next(iter(stems.values())).shape[1], 0.0, FADE)
    for stem in stems.values():
        stem *= curve
    sound = add_up(stems)
    rms = float(np.sqrt(np.mean(sound**2)))
    peak = float(np.max(np.abs(sound)))
    if peak == 0.0:
        return sound.astype(np.float32)
    # At most 6 dB of limiting: music of sharp peaks stays a little quieter than the rest instead of being squashed.
    gain = np.float32(min(10 ** (LOUDNESS / 20) / max(rms, 1e-9), 2 * PEAK / peak))
    for stem in stems.values():
        stem *= gain
    sound = add_up(stems)
    limit(sound, ceiling=PEAK)
    return sound.astype(np.float32)
