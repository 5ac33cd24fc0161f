"""Chord symbols and Harte's labels, read as the same chords."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mousai.conditioning.chord_labels import QUALITIES, notes_of, parse_label, spell_label
from mousai.conditioning.notation.chord_symbols import SUFFIXES, nearest, read_symbol, spell_symbol

ROOTS = st.integers(0, 11)
BASSES = st.none() | st.integers(0, 11)


def pitches(label: str) -> tuple[set[int], int | None]:
    """Pitch classes of a label, and its bass."""
    root, quality, bass = parse_label(label)
    return {(root + note) % 12 for note in notes_of(quality)}, root if bass is None else bass


@pytest.mark.parametrize(
    ("symbol", "notes", "bass"),
    [
        ("C", {0, 4, 7}, 0),
        ("Am", {9, 0, 4}, 9),
        ("A-", {9, 0, 4}, 9),
        ("Bb", {10, 2, 5}, 10),
        ("Bbb", {9, 1, 4}, 9),
        ("Cb", {11, 3, 6}, 11),
        ("F♯m", {6, 9, 1}, 6),
        ("Bb7", {10, 2, 5, 8}, 10),
        ("Bb5", {10, 5}, 10),
        ("Ab6/9/C", {8, 0, 3, 5, 10}, 0),
        ("Dm7/G", {2, 5, 9, 0}, 7),
        ("C/E", {0, 4, 7}, 4),
        ("C/b7", {0, 4, 7}, 10),
        ("C/B♭", {0, 4, 7}, 10),
        ("F#m7b5", {6, 9, 0, 4}, 6),
        ("Bø7", {11, 2, 5, 9}, 11),
        ("B°7", {11, 2, 5, 8}, 11),
        ("G+", {7, 11, 3}, 7),
        ("CM7", {0, 4, 7, 11}, 0),
        ("C△", {0, 4, 7, 11}, 0),
        ("Cm(maj7)", {0, 3, 7, 11}, 0),
        ("G7sus4", {7, 0, 2, 5}, 7),
        ("E7#9", {4, 8, 11, 2, 7}, 4),
        ("Cadd9", {0, 4, 7, 2}, 0),
        ("C13", {0, 4, 7, 10, 2, 9}, 0),
        ("A:min7", {9, 0, 4, 7}, 9),
        ("A:min7/b3", {9, 0, 4, 7}, 0),
        ("A:7", {9, 1, 4, 7}, 9),
        ("C:13", {0, 4, 7, 10, 2, 9}, 0),
        ("E:(1,5)", {4, 11}, 4),
    ],
)
def test_a_symbol_is_its_notes(symbol: str, notes: set[int], bass: int):
    assert pitches(read_symbol(symbol)) == (notes, bass)


@pytest.mark.parametrize("symbol", ["N", "n", "N.C.", "n.c.", "NC", " N "])
def test_no_chord(symbol: str):
    assert read_symbol(symbol) == "N"


@given(root=ROOTS, quality=st.sampled_from([*QUALITIES, *SUFFIXES]), bass=BASSES)
def test_what_is_spelled_is_read_again(root: int, quality: str, bass: int | None):
    label = spell_label(root, quality, bass)
    for written in (label, spell_symbol(root, quality, bass)):
        assert read_symbol(written) == label


@given(root=ROOTS, name=st.sampled_from([(key, one) for key, all_ in SUFFIXES.items() for one in all_]), bass=BASSES)
def test_every_suffix_means_its_quality(root: int, name: tuple[str, str], bass: int | None):
    quality, suffix = name
    assume(not suffix.startswith(("#", "b")))  # after a root it is the root's: C#5 is a fifth on C sharp
    symbol = spell_symbol(root, "maj") + suffix + ("" if bass is None else f"/{spell_symbol(bass, 'maj')}")
    assert read_symbol(symbol) == spell_label(root, quality, bass)


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("", "chord is ''; a label such as 'A:min7/b3'"),
        ("H", "chord is 'H'; a label such as 'A:min7/b3'"),
        ("A:", "chord is 'A:'; a label such as"),
        ("C:foo", "quality is 'foo'; one of maj"),
        ("C:maj(b99)", "degree is 'b99'; one such as b3, 5, #5 or b9"),
        ("C/x", "chord is 'C/x'"),
        ("C/99", "degree is '99'; one such as b3"),
    ],
)
def test_a_label_that_is_none(label: str, why: str):
    with pytest.raises(ValueError) as caught:
        parse_label(label)
    assert why in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_chord_or_refused_in_one_line(text: str):
    try:
        label = read_symbol(text)
    except ValueError as error:
        assert str(error).startswith("is no chord; ") and "\n" not in str(error)
    else:
        parse_label(label)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Hm", "Bm"),
        ("H7/D", "B7/D"),
        ("am", "Am"),
        ("bb", "Bb"),
        ("fism", "F#m"),
        ("Es", "Eb"),
        ("C/H", "C/B"),
        ("Cmin8", "Cm"),
        ("Amm7", "Am7"),
        ("Am/X", "Am"),
        ("A:foo", "A"),
        ("A#b9", "A#7b9"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(wrong: str, right: str):
    assert nearest(wrong) == right
    read_symbol(right)
    with pytest.raises(ValueError, match=f"is no chord; nearest: {right.replace('#', '.')}$"):
        read_symbol(wrong)


@pytest.mark.parametrize("wrong", ["X", "?", "1", "majestic", ""])
def test_what_is_like_no_chord_is_refused_with_examples(wrong: str):
    assert nearest(wrong) is None
    with pytest.raises(ValueError, match="such as Am, F7, Dm7/G, A:min7 or"):
        read_symbol(wrong)
