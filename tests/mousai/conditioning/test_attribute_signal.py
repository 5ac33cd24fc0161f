"""The signal along time in which a net is told tempo, key and lead."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.theory import Key, chord
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, CYCLES, TEMPO_CHANNELS, attribute_signal
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.leads import LEADS


def test_phases_turn_with_the_beat():
    # 120 bpm at 10 frames a second: the middle of frame k lies (k + 0.5) / 5 beats in.
    signal = attribute_signal([MusicAttributes(tempo=120)], frames=40, frame_rate=10.0)
    beats = (torch.arange(40, dtype=torch.float64) + 0.5) / 5
    for index, cycles in enumerate(CYCLES):
        turns = 2 * math.pi * cycles * beats
        torch.testing.assert_close(signal[0, index], turns.sin().float(), atol=1e-5, rtol=0)
        torch.testing.assert_close(signal[0, len(CYCLES) + index], turns.cos().float(), atol=1e-5, rtol=0)
    assert bool((signal[0, TEMPO_CHANNELS:] == 0).all())


def test_a_crop_is_a_piece_of_the_signal():
    stated = MusicAttributes(tempo=97.0, key=(3, False), first_downbeat=0.25)
    whole = attribute_signal([stated], frames=100, frame_rate=12.5)
    crop = attribute_signal([stated, stated], frames=30, frame_rate=12.5, starts=[0.0, 40 / 12.5])
    torch.testing.assert_close(crop[:1], whole[..., :30])
    torch.testing.assert_close(crop[1:], whole[..., 40:70])


def test_the_first_beat_is_where_the_phases_begin():
    late = attribute_signal([MusicAttributes(tempo=90, first_downbeat=2.0)], frames=10, frame_rate=10.0, starts=[2.0])
    torch.testing.assert_close(late, attribute_signal([MusicAttributes(tempo=90)], frames=10, frame_rate=10.0))


def test_keys_are_tonic_mode_scale_and_chord_all_along():
    signal = attribute_signal(
        [MusicAttributes(key=(4, True)), MusicAttributes(key=(0, False))], frames=3, frame_rate=10.0
    )
    assert signal.shape == (2, ATTRIBUTE_CHANNELS, 3) and signal.dtype == torch.float32
    e_minor = {4, 13, *(14 + note for note in (4, 6, 7, 9, 11, 0, 2)), *(26 + note for note in (4, 7, 11))}
    c_major = {0, 12, *(14 + note for note in (0, 2, 4, 5, 7, 9, 11)), *(26 + note for note in (0, 4, 7))}
    for item, on in enumerate((e_minor, c_major)):
        for channel in range(ATTRIBUTE_CHANNELS):
            expected = float(channel - TEMPO_CHANNELS in on)
            assert bool((signal[item, channel] == expected).all())


@given(st.integers(0, 11), st.booleans())
def test_the_notes_of_a_key_are_the_composers(tonic: int, minor: bool):
    signal = attribute_signal([MusicAttributes(key=(tonic, minor))], frames=1, frame_rate=10.0)[0, TEMPO_CHANNELS:, 0]
    key = Key(tonic, "minor" if minor else "major")
    assert set(signal[14:26].nonzero().flatten().tolist()) == set(key.pitch_classes)
    assert set(signal[26:38].nonzero().flatten().tolist()) == set(chord(key, "i" if minor else "I").tones)


def test_every_lead_has_a_channel_of_its_own():
    signal = attribute_signal([MusicAttributes(lead=lead) for lead in LEADS], frames=2, frame_rate=10.0)
    leads = signal[:, -len(LEADS) :, 0]
    assert torch.equal(leads, torch.eye(len(LEADS)))
    assert float(signal.sum()) == 2 * len(LEADS)  # and nothing else is said


def test_nothing_stated_is_silence():
    assert not attribute_signal([MusicAttributes()], frames=5, frame_rate=10.0).any()


@given(st.floats(30, 300), st.floats(30, 300))
def test_two_tempos_are_two_signals(first: float, second: float):
    steady = slice(2 * len(CYCLES), TEMPO_CHANNELS)
    one, two = attribute_signal(
        [MusicAttributes(tempo=first), MusicAttributes(tempo=second)], frames=1, frame_rate=10.0
    )[:, steady, 0]
    assert float((one - two).norm()) >= 0.5 * abs(math.log2(first / second)) / 3.4 - 1e-6
