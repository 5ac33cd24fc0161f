"""What a prompt states of tempo, key and lead, and the prompt without it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mousai.compose.captions import caption_from_metadata
from mousai.conditioning.attributes import parse_attributes, strip_attributes
from mousai.conditioning.leads import LEADS

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


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
