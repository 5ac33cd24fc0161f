from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mousai.audio.limiter import limit
from mousai.compose import ComposeError, Song, compose_song, render_song, song_to_midi
from mousai.compose.production.config import PEAK
from mousai.compose.production.master import WIDTH, add_up
from mousai.compose.rendering import render
from mousai.compose.rendering.layers import LAYERS
from mousai.compose.rendering.render import LOUDNESS, SAMPLE_RATE
from mousai.errors import UserError


def decibels(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2)))


def finish(wave: np.ndarray) -> np.ndarray:
    return render.finish({"lead": wave.copy()})


def noise(seconds: float, level: float) -> np.ndarray:
    samples = np.random.default_rng(0).normal(0.0, level, (2, round(seconds * SAMPLE_RATE)))
    return samples.astype(np.float32)


@pytest.mark.parametrize("level", [0.001, 0.05, 0.9])
def test_the_level_is_the_same_whatever_comes_in(level: float) -> None:
    sound = finish(noise(4.0, level))
    assert sound.dtype == np.float32
    assert np.abs(sound).max() <= PEAK + 1e-6
    assert decibels(sound) == pytest.approx(LOUDNESS, abs=0.7)


def test_sharp_peaks_are_held_without_a_click() -> None:
    wave = noise(4.0, 0.05)
    wave[:, SAMPLE_RATE] = 0.9  # one sample 25 dB above the rest
    sound = finish(wave)
    assert np.abs(sound).max() == pytest.approx(PEAK, abs=0.02)
    quiet = finish(noise(4.0, 0.05))
    assert decibels(sound[:, 3 * SAMPLE_RATE :]) < decibels(quiet[:, 3 * SAMPLE_RATE :])


def test_the_end_fades_and_lengths_are_exact() -> None:
    for samples in (1000, SAMPLE_RATE, 3 * SAMPLE_RATE + 17):
        sound = finish(noise(3.5, 0.1)[:, :samples])
        assert sound.shape == (2, samples)
        assert np.abs(sound[:, -1]).max() < 1e-4


def test_silence_stays_silence() -> None:
    assert not finish(np.zeros((2, 200), dtype=np.float32)).any()


def test_sound_that_is_out_of_phase_is_narrowed() -> None:
    wave = noise(2.0, 0.1)
    wave[1] = 0.2 * wave[1] - wave[0]
    sound = finish(wave)
    middle, side = sound[0] + sound[1], sound[0] - sound[1]
    assert np.sqrt(np.mean(side**2) / np.mean(middle**2)) == pytest.approx(WIDTH, rel=0.02)


def test_midi_holds_every_note_and_sound() -> None:
    song = compose_song(3, genre="pop")
    midi = song_to_midi(song)
    assert [i.program for i in midi.instruments] == [track.program for track in song.tracks]
    assert [i.is_drum for i in midi.instruments] == [track.is_drum for track in song.tracks]
    for instrument, track in zip(midi.instruments, song.tracks, strict=True):
        assert [(n.pitch, n.velocity, n.start) for n in instrument.notes] == [
            (note.pitch, note.velocity, note.start) for note in track.notes
        ]
        assert {change.number: change.value for change in instrument.control_changes} == {
            7: track.volume,
            10: track.pan,
            91: track.reverb,
        }
    assert midi.get_tempo_changes()[1][0] == pytest.approx(song.bpm, rel=1e-5)


def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ComposeError, match="apt install fluidsynth") as caught:
        render.check_tools()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UserError) and isinstance(caught.value, RuntimeError)


def test_a_missing_soundfont_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MOUSAI_SOUNDFONT", raising=False)
    monkeypatch.setattr(render, "SOUNDFONTS", (str(tmp_path / "none.sf2"),))
    with pytest.raises(ComposeError, match="apt install fluid-soundfont-gm"):
        render.find_soundfont()


def test_a_soundfont_of_ones_own_is_looked_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    font = tmp_path / "my.sf2"
    for wrong in (tmp_path / "missing.sf2", tmp_path, font):
        font.write_text("this is no soundfont")
        monkeypatch.setenv("MOUSAI_SOUNDFONT", str(wrong))
        with pytest.raises(ComposeError, match=f"MOUSAI_SOUNDFONT={wrong}: is not") as caught:
            render.find_soundfont()
        assert "\n" not in str(caught.value)
    font.write_bytes(b"RIFF\0\0\0\0sfbkLIST")
    assert render.find_soundfont() == font


@pytest.mark.fluidsynth
def test_a_soundfont_without_sounds_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    real = render.subprocess.run

    def silenced(command: list[str], **options: object) -> object:
        return real(["0" if word == "0.4" else word for word in command], **options)  # no gain, no sound

    monkeypatch.setattr(render.subprocess, "run", silenced)
    with pytest.raises(ComposeError, match="gave no sound"):
        render_song(compose_song(0, duration=2))


def test_a_missing_module_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pretty_midi", None)
    with pytest.raises(ComposeError, match=r"pretty_midi is not installed; .*packages/mousai\[compose\]"):
        song_to_midi(compose_song(0, duration=2))


@pytest.mark.fluidsynth
@pytest.mark.parametrize("genre", ["house", "solo piano", "ambient"])
def test_a_rendered_song_is_loud_at_once_and_lasts_as_told(genre: str) -> None:
    song = compose_song(2, genre=genre, duration=6.25)
    sound = render_song(song).mix
    assert sound.shape == (2, 300_000) and sound.dtype == np.float32
    assert np.abs(sound).max() <= PEAK + 1e-6
    assert decibels(sound) > LOUDNESS - 3
    assert decibels(sound[:, : SAMPLE_RATE // 2]) > -40
    assert not np.array_equal(sound[0], sound[1])
    assert np.abs(sound[:, -1]).max() < 1e-3


def lead_over_rest(song: Song, levels: Sequence[float]) -> list[float]:
    """Decibels that the lead is over the rest in the song at each `lead_level`, apart from a constant of the song."""
    melody = tuple(track for track in song.tracks if track.role == "lead")
    rest = tuple(track for track in song.tracks if track.role != "lead")
    alone = [render_song(replace(song, tracks=tracks)).mix.astype(np.float64) for tracks in (melody, rest)]
    # The shares of the two in the whole, by least squares; alone they were brought to one level.
    basis = np.stack([part.ravel() for part in alone], axis=1)
    sounds = [render_song(song, lead_level=level).mix.ravel() for level in levels]
    shares = [np.linalg.lstsq(basis, sound, rcond=None)[0] for sound in sounds]
    return [float(20 * np.log10(lead / others)) for lead, others in shares]


@pytest.mark.fluidsynth
@pytest.mark.parametrize(
    ("genre", "lead"), [("thrash metal", "nylon guitar"), ("ambient", "piano"), ("swing", "trumpet")]
)
def test_the_lead_is_as_loud_as_the_rest(genre: str, lead: str) -> None:
    song = compose_song(4, genre=genre, lead=lead, duration=6)
    assert lead_over_rest(song, [0.0])[0] == pytest.approx(0.0, abs=7.0)


@pytest.mark.fluidsynth
def test_the_lead_can_be_louder_or_softer() -> None:
    usual, louder, softer = lead_over_rest(compose_song(4, genre="swing", lead="trumpet", duration=6), [0.0, 5.0, -4.0])
    # As exactly as the limiter lets peaks be.
    assert (louder - usual, softer - usual) == (pytest.approx(5.0, abs=0.3), pytest.approx(-4.0, abs=0.3))


@pytest.mark.fluidsynth
def test_the_beat_is_where_the_tempo_says() -> None:
    song = compose_song(2, genre="house", bpm=120, duration=8)
    sound = render_song(song).mix.mean(0)[: 6 * SAMPLE_RATE]
    block = SAMPLE_RATE // 100  # onsets: rise of the level in steps of 10 ms
    level = np.log(np.sqrt((sound.reshape(-1, block) ** 2).mean(1)) + 1e-3)
    onsets = np.maximum(np.diff(level), 0.0)
    onsets -= onsets.mean()
    beats = {lag: float(np.dot(onsets[:-lag], onsets[lag:])) for lag in (44, 47, 50, 53, 56)}  # 50 steps are a beat
    assert max(beats, key=lambda lag: beats[lag]) == 50


@pytest.mark.fluidsynth
def test_a_layer_that_the_soundfont_does_not_play_is_named() -> None:
    song = compose_song(2, genre="house", duration=4)
    below = tuple(  # no soundfont has drums on such keys
        replace(track, notes=tuple(replace(note, pitch=1) for note in track.notes)) if track.is_drum else track
        for track in song.tracks
    )
    assert render_song(song, orchestra="fluidr3").silent == ()
    assert render_song(replace(song, tracks=below), orchestra="fluidr3").silent == ("drums",)


@pytest.mark.fluidsynth
def test_stems_add_up_to_the_mix_before_the_limiter() -> None:
    rendered = render_song(compose_song(2, genre="house", duration=6.25), orchestra="fluidr3")
    assert (rendered.orchestra, rendered.production) == ("fluidr3", None)
    assert tuple(rendered.stems) == LAYERS
    for stem in rendered.stems.values():
        assert stem.shape == rendered.mix.shape and stem.dtype == np.float32
    total = add_up(rendered.stems)
    limit(total, ceiling=PEAK)
    np.testing.assert_array_equal(rendered.mix, total.astype(np.float32))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            'cp "$WAVE" "$FILE"; echo "fluidsynth: error: Audio file write error: No space left on device." >&2',
            r"fluidsynth failed \(0\): .*write error: No space left on device",
        ),
        (': > "$FILE"; echo "cannot write" >&2', "fluidsynth wrote no sound: cannot write"),
        ("exit 3", r"fluidsynth failed \(3\): it said nothing"),
        ("kill -XFSZ $$", r"fluidsynth failed \(-25\)"),
    ],
)
def test_what_could_not_be_written_whole_is_no_song(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FluidSynth ends well on a full disk, and leaves a file that is cut short."""
    import soundfile

    wave = tmp_path / "short.wav"
    soundfile.write(wave, noise(0.5, 0.1).T, SAMPLE_RATE)
    program = tmp_path / "fluidsynth"
    lines = ["#!/bin/sh", 'while [ "$1" != -F ]; do shift; done', "FILE=$2", f"WAVE='{wave}'", script]
    program.write_text("\n".join(lines) + "\n")
    program.chmod(0o755)
    font = tmp_path / "font.sf2"
    font.write_bytes(b"RIFF\0\0\0\0sfbk")
    monkeypatch.setattr(render, "find_fluidsynth", lambda: str(program))
    monkeypatch.setenv("MOUSAI_SOUNDFONT", str(font))
    with pytest.raises(ComposeError, match=message):
        render_song(compose_song(1, duration=4.0))
