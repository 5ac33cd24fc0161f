import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mousai import UserError
from mousai.compose.captions import caption_from_metadata
from mousai.compose.theory import Key, chord
from mousai.conditioning.attribute_signal import ATTRIBUTE_CHANNELS, CYCLES, TEMPO_CHANNELS, attribute_signal
from mousai.conditioning.attributes import MusicAttributes, parse_attributes, strip_attributes
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.leads import LEADS
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.pipeline import Mousai

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


# ---- what a prompt states


@pytest.mark.parametrize(
    ("text", "tempo", "key"),
    [
        ("hard techno, 134 bpm, E minor", 134, (4, True)),
        ("calm piano pop, 100 BPM", 100, None),
        ("jazz at 92.5bpm in F# major", 92.5, (6, False)),
        ("a waltz of 126 beats per minute, key of B♭ minor", 126, (10, True)),
        ("f-sharp minor", None, (6, True)),
        ("B flat major 60-bpm", 60, (10, False)),
        ("Cb major", None, (11, False)),
        ("E minor key", None, (4, True)),
        ("slow and in a minor key", None, None),
        ("in A major key", None, (9, False)),
        ("in A minor key, slow", None, (9, True)),
        ("A minor key", None, None),  # the A may be an article
        ("techno in a minor", None, (9, True)),
        ("a minor, 120 bpm", 120, (9, True)),
        ("a minor 120 bpm", 120, (9, True)),
        ("jazz in a minor with a flute", None, (9, True)),
        ("in A minor. Slow", None, (9, True)),
        ("E  minor", None, (4, True)),
        ("F #\tminor", None, (6, True)),
        ("B  flat  major", None, (10, False)),
        ("with a minor feel", None, None),
        ("a minor chord progression", None, None),
        ("A minor chord progression", None, None),
        ("Slow. A minor twist comes", None, None),
        ("WITH A MINOR FEEL", None, None),
        ("a major lift", None, None),
        ("then a major hit", None, None),
        ("a minor blues", None, None),
        ("not in C major", None, None),
        ("not in C major, in E minor", None, (4, True)),
        ("anything but the key of F# minor", None, None),
        ("it isn't in D minor", None, None),
        ("no drums, D minor", None, (2, True)),
        ("C major, not C minor", None, (0, False)),
        ("A minor", None, (9, True)),
        ("a major success for the band major", None, None),
        ("128 tracks, 3 minor issues", None, None),
        ("20 bpm or 400 bpm or 1234 bpm", None, None),
        ("10 bpm, no: 120 bpm", 120, None),
        ("section 4 and 120 bpm", 120, None),
        ("bpm 128", 128, None),
        ("BPM: 92.5", 92.5, None),
        ("bpm=128", 128, None),
        ("a tempo of 70", 70, None),
        ("tempo: slow, 4/4", None, None),
        ("90 bpm 128 tracks", 90, None),
        ("120,5 bpm", 120.5, None),
        ("1,200 bpm", None, None),
        ("1200 bpm", None, None),
        ("1.200 bpm", None, None),
        ("drums, 120 bpm", 120, None),
        ("120-130 bpm", 125, None),
        ("120 – 130 bpm", 125, None),
        ("between 90 and 110 bpm", 100, None),
        ("bpm 120 to 121", 120.5, None),
        ("2-130 bpm", None, None),
        ("130-120 bpm", None, None),
        ("not 120 bpm", None, None),
        ("9" * 500 + " bpm", None, None),
        ("", None, None),
    ],
)
def test_tempo_and_key_of_a_prompt(text: str, tempo: float | None, key: tuple[int, bool] | None):
    stated = parse_attributes(text)
    assert (stated.tempo, stated.key, stated.first_downbeat) == (tempo, key, 0.0)


@given(st.randoms(use_true_random=False), st.integers(40, 220), st.integers(0, 11), st.booleans())
def test_what_the_composers_captions_state_is_read_as_it_is(rng, bpm: int, tonic: int, minor: bool):
    key = f"{NAMES[tonic]} {'minor' if minor else 'major'}"
    row = {"genre": "jazz", "style": "swing", "bpm": bpm, "key": key, "mood": "calm", "lead": "piano"}
    text = caption_from_metadata({**row, "instruments": ["piano", "double bass"]}, rng)
    stated = parse_attributes(text)
    assert stated.tempo == (bpm if "bpm" in text.lower() else None)
    told = key.lower() in re.sub(r"in a (major|minor) key", "", text.lower())  # which names a mode, and no A
    if tonic == 9 and re.search(r"\ba (major|minor) (?!key)[a-z]", text):
        return  # in small letters, and before a word: the a may be an article
    assert stated.key == ((tonic, minor) if told else None)


# ---- the signal


@pytest.mark.parametrize(
    ("text", "less"),
    [
        ("techno, 128 bpm, E minor, saw lead", "techno, 128 bpm"),
        ("calm piano pop, 100 bpm", "calm pop, 100 bpm"),
        ("jazz in the key of F# major with a sax, slow", "jazz, slow"),
        ("Jazz In B flat minor. Violins on the melody", "Jazz."),
        ("pop in a minor key, with a flute", "pop in a minor key"),
        ("jazz in a major key accordion, 90 bpm", "jazz in a major key, 90 bpm"),
        ("The key: E minor. Slow", "Slow"),
        ("in E minor with drums at 90 bpm", "with drums at 90 bpm"),
        ("techno (E minor), led by a saw lead, loud", "techno, loud"),
        ("It features a flute. The key of G major.", ""),
        ("the sax takes the solo; drums and bass", "drums and bass"),
        ("voice lead, jazz", "jazz"),
        ("piano and flute", "piano and flute"),  # no one leads
        ("jazz with a minor feel, sax lead", "jazz with a minor feel"),
        ("sax lead, not in C major", "not in C major"),
        ("jazz with piano, sax solo", "jazz with piano"),
        ("fade in, techno.. ", "fade in, techno.. "),  # states neither, and is no business of ours
        ("flute", ""),
        ("", ""),
    ],
)
def test_a_prompt_less_its_key_and_lead(text: str, less: str):
    assert strip_attributes(text) == less


@given(st.randoms(use_true_random=False), st.sampled_from(NAMES), st.booleans(), st.sampled_from(sorted(LEADS)))
def test_what_is_stated_is_taken_out_of_any_of_the_composers_captions(rng, tonic: str, minor: bool, lead: str):
    facts = {"genre": "jazz", "bpm": 100, "key": f"{tonic} {'minor' if minor else 'major'}", "lead": lead}
    text = caption_from_metadata(facts, rng)
    less = strip_attributes(text)
    assert parse_attributes(less).key is None and parse_attributes(less).lead is None
    assert parse_attributes(less).tempo == parse_attributes(text).tempo
    assert strip_attributes(less) == less
    if less != text:  # it is a caption still: nothing dangles, nothing stands twice
        assert not re.search(r"\b(in|with|on|by|of|and|an?|the|led|is|features)\s*([,.;]|$)", less)
        assert not re.search(r"[,.;]\s*[,.;]|^\s*[,;]|\s[,.;]|\s\s", less)


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


# ---- told to a generator


@pytest.fixture(scope="module")
def pipeline(saved_model: Path) -> Mousai:
    """The miniature with a generator that is told tempo and key and hears nothing of the text."""
    made = Mousai.from_pretrained(saved_model, dtype="float32")
    net = made.latent_diffusion.config.net
    first = dataclasses.replace(net.levels[0], inject_channels=ATTRIBUTE_CHANNELS)
    config = dataclasses.replace(
        made.latent_diffusion.config,
        net=dataclasses.replace(net, levels=(first, *net.levels[1:])),
        frame_rate=48000 / 1024,
    )
    torch.manual_seed(0)
    generator = LatentDiffusion(config).eval()
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if "cross_attention.to_out" in name:
                weight.zero_()
            elif "injection.merge.weight" in name:
                weight[:, -ATTRIBUTE_CHANNELS:] *= 10  # so that it is heard
    return Mousai(made.text_encoder, generator, made.autoencoder, defaults=made.defaults)


def played(pipeline: Mousai, prompt: str | list[str], **settings: Any) -> torch.Tensor:
    length = {} if "init_audio" in settings else {"duration": 0.2}
    return pipeline(prompt, **{**length, "guidance_scale": 3.0, "seed": 1, **settings}).audios


def test_tempo_key_and_lead_of_the_prompt_reach_the_music(pipeline: Mousai):
    plain = played(pipeline, "music")
    assert torch.equal(played(pipeline, "jazz"), plain)
    tempo, other, key, lead = (played(pipeline, text) for text in ("100 bpm", "101 bpm", "D minor", "flute"))
    for one, two in ((plain, tempo), (tempo, other), (plain, key), (tempo, key), (plain, lead), (key, lead)):
        assert not torch.allclose(one, two, atol=1e-4)
    both = played(pipeline, ["jazz at 100 bpm", "pop in D minor"])
    torch.testing.assert_close(both[:1], tempo, atol=1e-4, rtol=1e-3)


def test_key_and_lead_are_weighed_against_the_prompt_without_them(pipeline: Mousai, monkeypatch: pytest.MonkeyPatch):
    read: list[list[str]] = []
    embed = pipeline._embed
    monkeypatch.setattr(pipeline, "_embed", lambda prompts, **how: read.append(list(prompts)) or embed(prompts))
    plain, led = (played(pipeline, ["jazz, flute", "pop"], attribute_guidance_scale=weight) for weight in (0.0, 4.0))
    assert read == [["jazz, flute", "pop"], ["jazz, flute", "pop"], ["jazz", "pop"]]
    assert not torch.allclose(led[0], plain[0], atol=1e-4)
    torch.testing.assert_close(led[1], plain[1], atol=1e-4, rtol=1e-3)


def test_what_the_negative_prompt_states_is_stayed_away_from(pipeline: Mousai):
    plain = played(pipeline, "100 bpm")
    assert torch.equal(played(pipeline, "100 bpm", negative_prompt="music"), plain)
    assert not torch.allclose(played(pipeline, "100 bpm", negative_prompt="60 bpm"), plain, atol=1e-4)
    alone = played(pipeline, "60 bpm", guidance_scale=0.0, negative_prompt="100 bpm")
    torch.testing.assert_close(alone, played(pipeline, "100 bpm", guidance_scale=1.0), atol=1e-4, rtol=1e-3)


def test_a_recordings_beats_lie_where_they_lie(pipeline: Mousai):
    recording = 0.3 * torch.randn(2, 9600, generator=torch.Generator().manual_seed(0))
    settings = {"init_audio": recording, "strength": 0.9}
    plain = played(pipeline, "music", **settings)
    assert torch.equal(played(pipeline, "100 bpm", **settings), plain)
    assert not torch.allclose(played(pipeline, "D minor", **settings), plain, atol=1e-4)


def test_a_dropped_prompt_is_dropped_with_what_it_states(pipeline: Mousai):
    model = pipeline.latent_diffusion
    latent, t = torch.zeros(2, 8, 6), torch.full((2,), 0.5)
    noise = torch.randn(2, 8, 6, generator=torch.Generator().manual_seed(0))
    text = pipeline.text_encoder(["", ""])

    def loss(attributes: list[MusicAttributes], drop: float) -> float:
        cond = Conditioning(frames=6, text=text, attributes=attributes)
        return model.loss(latent, cond, cond_drop_prob=drop, t=t, noise=noise).item()

    known = [MusicAttributes(tempo=100.0), MusicAttributes(key=(2, True))]
    assert loss(known, 0.0) != pytest.approx(loss([], 0.0), rel=1e-6)
    assert loss(known, 1.0) == pytest.approx(loss([], 1.0), rel=1e-6)
    with pytest.raises(ValueError, match=r"parts of different batches: \{'text': 1, 'attributes': 2\}"):
        Conditioning(frames=4, text=pipeline.text_encoder([""]), attributes=known)


def test_a_generator_of_another_frame_rate_is_refused(pipeline: Mousai):
    config = dataclasses.replace(pipeline.latent_diffusion.config, frame_rate=10.0)
    with pytest.raises(UserError, match=r"frame_rate is 10, the autoencoder's latent has 46\.875 frames a second"):
        Mousai(pipeline.text_encoder, LatentDiffusion(config), pipeline.autoencoder)
