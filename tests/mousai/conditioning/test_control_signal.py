"""Controls as channels: closed forms, windows, and what is told from what is not."""

import pytest
import torch

from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.control_signal import CONTROLS, control_channels, control_signal, known_signal
from mousai.conditioning.controls import SECTIONS, Controls
from tests.mousai.refusing import refused

RATE = 10.0
PIECE = Controls(
    chords=((0.0, 1.0, "A:min7/b3"), (1.0, 1.5, "N"), (1.5, 3.0, "C")),
    melody=((0.2, 0.5, 69), (0.5, 1.2, 62)),
    sections=((0.0, 2.0, "verse"), (2.0, 3.0, "chorus")),
)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"chords": ((1.0, 1.0, "C"),)}, "must begin before it ends"),
        ({"melody": ((2.0, 1.0, 60),)}, "must begin before it ends"),
        ({"melody": ((0.0, float("nan"), 60),)}, "must begin before it ends"),
        ({"chords": ((0.0, 1.0, 3),)}, "must end in a label, a text such as 'A:min7'"),
        ({"chords": ((0.0, 1.0, "H"),)}, "chord is 'H'"),
        ({"melody": ((0.0, 1.0, 128),)}, "must end in a MIDI pitch, 0 to 127"),
        ({"sections": ((0.0, 1.0, "bridge"),)}, "must end in one of intro, verse, chorus, break, outro"),
    ],
)
def test_events_that_are_none(given: dict, why: str) -> None:
    assert why in refused(Controls, **given)


def classes(row: torch.Tensor) -> set[int]:
    return set(row.nonzero().flatten().tolist())


def test_chords_are_root_notes_and_bass_at_the_middle_of_every_frame() -> None:
    signal = control_signal([PIECE], names=["chords"], frames=30, frame_rate=RATE)
    assert signal.shape == (1, 37, 30) and signal.dtype == torch.float32
    root, notes, bass, told = signal[0].split([12, 12, 12, 1])
    for frame in range(30):
        second = (frame + 0.5) / RATE
        wanted = ({9}, {9, 0, 4, 7}, {0}) if second < 1 else (set(),) * 3 if second < 1.5 else ({0}, {0, 4, 7}, {0})
        assert (classes(root[:, frame]), classes(notes[:, frame]), classes(bass[:, frame])) == wanted
    assert bool((told == 1).all())


def test_melody_is_pitch_classes_and_onsets_without_the_octave() -> None:
    signal = control_signal([PIECE], names=["melody"], frames=14, frame_rate=RATE)[0]
    assert signal.shape == (14, 14)
    assert classes(signal[9]) == {2, 3, 4} and classes(signal[2]) == {5, 6, 7, 8, 9, 10, 11}
    assert classes(signal[12]) == {2, 5} and bool((signal[13] == 1).all())
    assert float(signal.sum()) == 3 + 7 + 2 + 14


def test_a_section_is_one_of_five() -> None:
    signal = control_signal([PIECE], names=["section"], frames=40, frame_rate=RATE)[0]
    assert signal.shape == (6, 40)
    assert classes(signal[SECTIONS.index("verse")]) == set(range(20))
    assert classes(signal[SECTIONS.index("chorus")]) == set(range(20, 30))
    assert float(signal[:5].sum()) == 30 and bool((signal[5] == 1).all())


@pytest.mark.parametrize("start", [-0.7, 0.0, 0.4, 1.3, 2.9])
def test_a_window_is_that_part_of_the_whole(start: float) -> None:
    """A window of whole frames is cut out of the signal of the whole piece, but for onsets and before it begins."""
    names, shift, frames = ["chords", "melody", "section"], round(start * RATE), 12
    whole = control_signal([PIECE], names=names, frames=60, frame_rate=RATE)[0]
    padded = torch.cat([torch.zeros(len(whole), 20), whole], dim=1)
    told = [36, 37 + 13, 37 + 14 + 5]
    padded[told] = 1.0
    found = control_signal([PIECE], names=names, frames=frames, frame_rate=RATE, starts=[start])[0]
    assert torch.equal(found, padded[:, 20 + shift : 20 + shift + frames])


def test_what_is_not_told_is_zero_and_told_to_be_none_is_not() -> None:
    names = ["chords", "melody", "section"]
    nothing, none = control_signal(
        [Controls(), Controls(chords=(), melody=(), sections=())], names=names, frames=5, frame_rate=RATE
    )
    assert float(nothing.abs().sum()) == 0
    assert classes(none[:, 0]) == {36, 50, 56} and float(none.sum()) == 3 * 5
    no_chord = control_signal([Controls(chords=((0.0, 9.0, "N"),))], names=["chords"], frames=5, frame_rate=RATE)[0]
    assert classes(no_chord[:, 2]) == {36}


def test_the_known_part_is_scaled_and_the_rest_is_not_used() -> None:
    latent = torch.randn(2, 3, 6)
    latent[0, :, 4] = float("nan")
    mask = torch.ones(2, 1, 6, dtype=torch.bool)
    mask[0, :, 4] = False
    signal = known_signal(latent, mask, latent_std=0.5)
    assert signal.shape == (2, 4, 6) and bool(signal.isfinite().all())
    assert torch.equal(signal[1, :3], latent[1] * 2) and float(signal[0, :, 4].sum()) == 0
    assert torch.equal(signal[:, 3:], mask.float())


def test_the_number_of_channels() -> None:
    widths = [control_channels([name], latent_channels=128) for name in CONTROLS]
    assert widths == [37, 14, 6, 129] and control_channels(CONTROLS, latent_channels=128) == sum(widths)


def test_controls_belong_to_one_batch_and_stay_beside_less_key_and_lead() -> None:
    with pytest.raises(ValueError, match="parts of different batches"):
        Conditioning(frames=4, controls=[PIECE], start_seconds=[0.0, 1.0])
    cond = Conditioning(
        frames=4, controls=[PIECE], known_latent=torch.zeros(1, 2, 4), known_mask=torch.ones(1, 1, 4) > 0
    )
    assert Conditioning(frames=4, controls=[PIECE, PIECE]).batch_size == 2
    less = cond.without_key_and_lead()
    assert less.controls == cond.controls and less.known_latent is cond.known_latent
