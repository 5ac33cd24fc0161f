"""A song as MIDI, and as sound: FluidSynth plays it with a General MIDI soundfont."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .balance import LEAD_LEVEL, lead_gain
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


class ComposeError(UserError, RuntimeError):
    """What keeps the composer from working, in one line that says what to do."""


def find_fluidsynth() -> str:
    """Path of the `fluidsynth` program. Raises ComposeError where it is not installed."""
    found = shutil.which("fluidsynth")
    if found is None:
        raise ComposeError(
            "fluidsynth is not installed; install it (Debian and Ubuntu: apt install fluidsynth fluid-soundfont-gm, "
            "macOS: brew install fluid-synth)"
        )
    return found


def find_soundfont() -> Path:
    """The General MIDI soundfont: `$MOUSAI_SOUNDFONT`, or the first of `SOUNDFONTS` that exists.

    Raises ComposeError where there is none.
    """
    named = os.environ.get("MOUSAI_SOUNDFONT")
    if named:
        # FluidSynth itself would only warn, and play with a soundfont of its own.
        if not _is_soundfont(Path(named)):
            raise ComposeError(f"MOUSAI_SOUNDFONT is {named}, which is not a .sf2 or .sf3 soundfont; set it to one")
        return Path(named)
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


def check_tools() -> None:
    """Raise ComposeError unless everything that rendering needs is there."""
    find_fluidsynth()
    find_soundfont()
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


def render_song(song: Song, *, lead_level: float = LEAD_LEVEL) -> "NDArray[np.float32]":
    """Play a song: float32 `[2, duration × 48000]`, RMS near `LOUDNESS`, no sample above `PEAK`, faded at the end.

    The melody is mixed with the rest by what both sound like, to be `lead_level` dB louder than all of it where there
    are both, and as far as `LARGEST` goes (`mousai.compose.balance`).
    Raises ComposeError when FluidSynth, the soundfont or pretty_midi is missing, or when FluidSynth fails.
    """
    samples = round(song.duration * SAMPLE_RATE)
    melody = tuple(track for track in song.tracks if track.role == "lead")
    rest = tuple(track for track in song.tracks if track.role != "lead")
    if not (melody and rest):
        return finish(_play(song, samples), samples)
    lead, others = (_play(replace(song, tracks=tracks), samples) for tracks in (melody, rest))
    return finish(lead_gain(lead, others, lead_level) * lead + others, samples)


def _play(song: Song, samples: int) -> "NDArray[np.float32]":
    """What FluidSynth makes of a song, cut or padded to `[2, samples]`."""
    import numpy as np
    import soundfile

    program, font = find_fluidsynth(), find_soundfont()
    with tempfile.TemporaryDirectory(prefix="mousai-") as folder:
        midi_path, wave_path = Path(folder, "song.mid"), Path(folder, "song.wav")
        song_to_midi(song).write(str(midi_path))
        options = ["-ni", "-q", "-r", str(SAMPLE_RATE), "-g", "0.4", "-T", "wav", "-O", "float"]
        options += ["-o", "synth.polyphony=512", "-o", "synth.dynamic-sample-loading=1", "-F", str(wave_path)]
        done = subprocess.run([program, *options, str(font), str(midi_path)], capture_output=True, text=True)
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        if done.returncode != 0 or not wave_path.is_file():
            raise ComposeError(f"fluidsynth failed ({done.returncode}): {said[-1]}")
        wave, _ = soundfile.read(wave_path, dtype="float32", always_2d=True)
    if not (abs(wave) > SILENCE).any():
        raise ComposeError(
            f"{font} gave no sound; set MOUSAI_SOUNDFONT to a General MIDI soundfont (fluidsynth: {said[-1]})"
        )
    sound = np.zeros((2, samples), dtype=np.float32)
    count = min(samples, len(wave))
    sound[:, :count] = wave[:count].T
    return sound


def finish(wave: "NDArray[np.float32]", samples: int) -> "NDArray[np.float32]":
    """Cut or pad `[2, any]` to `samples`, fade out, bring to `LOUDNESS` and hold peaks under `PEAK`."""
    import numpy as np

    from ..audio.limiter import limit

    sound = np.zeros((2, samples), dtype=np.float64)
    count = min(samples, wave.shape[1])
    sound[:, :count] = wave[:, :count]
    middle, side = (sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2
    width = float(np.sqrt(np.mean(side**2) / max(float(np.mean(middle**2)), 1e-18)))
    if width > WIDTH:  # some pads are nearly out of phase, and would vanish on one loudspeaker
        side = side * (WIDTH / width)
        sound = np.stack((middle + side, middle - side))
    fade = min(round(FADE * SAMPLE_RATE), samples)
    sound[:, samples - fade :] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, fade))
    rms = float(np.sqrt(np.mean(sound**2)))
    peak = float(np.max(np.abs(sound)))
    if peak == 0.0:
        return sound.astype(np.float32)
    # At most 6 dB of limiting: music of sharp peaks stays a little quieter than the rest instead of being squashed.
    gain = min(10 ** (LOUDNESS / 20) / max(rms, 1e-9), 2 * PEAK / peak)
    sound *= gain
    limit(sound, ceiling=PEAK)
    return sound.astype(np.float32)
