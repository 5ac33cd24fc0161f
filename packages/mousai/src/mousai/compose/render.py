"""A song as MIDI, and as sound: FluidSynth plays it with a General MIDI soundfont."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .balance import LEAD_LEVEL, lead_gain
from .errors import ComposeError
from .layers import LAYERS, layer_of, only_layer
from .production.orchestras import find_orchestra
from .song import Song

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 48000
LOUDNESS = -16.0
"""RMS level of a rendered song in dB below full scale."""
PEAK = 0.97
"""Highest sample of a rendered song."""
WIDTH = 0.6
"""Highest ratio of the RMS of the side (half the difference) to that of the middle (half the sum of the channels)."""
SILENCE = 1e-4
"""Samples up to this are none: the reverb leaves a trace even where nothing plays."""
FADE = 0.6
"""Seconds of fade at the end."""
SOUNDFONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
)
"""Where a soundfont is looked for when `$MOUSAI_SOUNDFONT` does not name one."""


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

    Raises ComposeError where there is none, ValueError for an orchestra that is none.
    """
    named = os.environ.get("MOUSAI_SOUNDFONT")
    if named:
        # FluidSynth itself would only warn, and play with a soundfont of its own.
        if not _is_soundfont(Path(named)):
            raise ComposeError(f"MOUSAI_SOUNDFONT is {named}, which is not a .sf2 or .sf3 soundfont; set it to one")
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


def _is_soundfont(path: Path) -> bool:
    """Whether a file starts as soundfonts do: RIFF, four bytes of length, sfbk."""
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
        find_soundfont(orchestra)
    _pretty_midi()


def _pretty_midi() -> Any:
    try:
        import pretty_midi
    except ImportError:
        raise ComposeError('pretty_midi is not installed; pip install "mousai-music[compose]"') from None
    return pretty_midi


def song_to_midi(song: Song) -> Any:
    """The song as a `pretty_midi.PrettyMIDI`, every track with its volume, pan and reverb send."""
    midi_lib = _pretty_midi()
    midi = midi_lib.PrettyMIDI(initial_tempo=float(song.bpm), resolution=960)
    midi.time_signature_changes.append(midi_lib.TimeSignature(song.beats_per_bar, 4, 0.0))
    for track in song.tracks:
        instrument = midi_lib.Instrument(track.program, is_drum=track.is_drum, name=track.role)
        for number, value in ((7, track.volume), (10, track.pan), (91, track.reverb)):
            instrument.control_changes.append(midi_lib.ControlChange(number, value, 0.0))
        for note in track.notes:
            instrument.notes.append(midi_lib.Note(note.velocity, note.pitch, note.start, note.start + note.duration))
        midi.instruments.append(instrument)
    return midi


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderedSong:
    """A song as sound.

    `mix` is float32 `[2, samples]` at 48 kHz. `stems` has such an array for every name of `LAYERS` (zeros where
    a layer does not play); added up in that order they are the mix before the limiter. `orchestra` names the soundfont,
    `production` tells what was done to the sound, ready for JSON, and is None for a dry song.
    """

    mix: "NDArray[np.float32]"
    stems: "Mapping[str, NDArray[np.float32]]"
    orchestra: str
    production: Mapping[str, Any] | None


def render_song(
    song: Song,
    *,
    lead_level: float = LEAD_LEVEL,
    orchestra: str | None = None,
    production: None = None,
) -> RenderedSong:
    """Play a song: RMS near `LOUDNESS`, no sample above `PEAK`, faded at the end.

    The melody is mixed with the rest by what both sound like, to be `lead_level` dB louder than all of it where there
    are both, and as far as `LARGEST` goes (`mousai.compose.balance`).

    Args:
        song: the song.
        lead_level: in dB.
        orchestra: name of an orchestra; None is the first soundfont that is found.
        production: how it is produced; None is the dry sound of the soundfont.

    Raises ComposeError when FluidSynth, the soundfont or pretty_midi is missing, or when FluidSynth fails.
    """
    import numpy as np

    samples = round(song.duration * SAMPLE_RATE)
    font = find_soundfont(orchestra)
    present = {layer_of(track) for track in song.tracks}
    stems = {
        layer: _play(only_layer(song, layer), samples, font)
        if layer in present
        else np.zeros((2, samples), dtype=np.float32)
        for layer in LAYERS
    }
    if not any(bool((abs(stem) > SILENCE).any()) for stem in stems.values()):
        raise ComposeError(f"{font} gave no sound; set MOUSAI_SOUNDFONT to a General MIDI soundfont")
    rest = sum(stems[layer] for layer in LAYERS if layer != "lead")
    assert isinstance(rest, np.ndarray)
    stems["lead"] *= np.float32(lead_gain(stems["lead"], rest, lead_level))
    mix = finish(stems)
    named = os.environ.get("MOUSAI_SOUNDFONT")
    return RenderedSong(
        mix=mix, stems=stems, orchestra=font.stem if named or orchestra is None else orchestra, production=None
    )


def _play(song: Song, samples: int, font: Path) -> "NDArray[np.float32]":
    """What FluidSynth makes of a song, cut or padded to `[2, samples]`."""
    import numpy as np
    import soundfile

    with tempfile.TemporaryDirectory(prefix="mousai-") as folder:
        midi_path, wave_path = Path(folder, "song.mid"), Path(folder, "song.wav")
        song_to_midi(song).write(str(midi_path))
        options = ["-ni", "-q", "-r", str(SAMPLE_RATE), "-g", "0.4", "-T", "wav", "-O", "float"]
        options += ["-o", "synth.polyphony=512", "-o", "synth.dynamic-sample-loading=1", "-F", str(wave_path)]
        command = [find_fluidsynth(), *options, str(font), str(midi_path)]
        done = subprocess.run(command, capture_output=True, text=True)
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        if done.returncode != 0 or not wave_path.is_file():
            raise ComposeError(f"fluidsynth failed ({done.returncode}): {said[-1]}")
        wave, _ = soundfile.read(wave_path, dtype="float32", always_2d=True)
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

    from ..limiter import limit

    sound = add_up(stems)
    samples = sound.shape[1]
    middle, side = (sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2
    width = float(np.sqrt(np.mean(side**2) / max(float(np.mean(middle**2)), 1e-18)))
    if width > WIDTH:  # some pads are nearly out of phase, and would vanish on one loudspeaker
        for stem in stems.values():
            kept = (stem[0] - stem[1]) / 2 * np.float32(1 - WIDTH / width)
            stem[0] -= kept
            stem[1] += kept
    fade = min(round(FADE * SAMPLE_RATE), samples)
    curve = (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, fade))).astype(np.float32)
    for stem in stems.values():
        stem[:, samples - fade :] *= curve
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


def add_up(stems: "Mapping[str, NDArray[np.float32]]") -> "NDArray[np.float64]":
    """The sum of stems, float64 `[2, samples]`."""
    import numpy as np

    total = np.zeros(next(iter(stems.values())).shape, dtype=np.float64)
    for stem in stems.values():
        total += stem
    return total
