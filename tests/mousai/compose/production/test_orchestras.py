from pathlib import Path

import pytest

from mousai.compose import ComposeError
from mousai.compose.production import orchestras
from mousai.compose.production.orchestras import (
    EXAMINATION,
    ORCHESTRAS,
    TRAINING,
    Orchestra,
    draw_orchestra,
    find_orchestra,
    parse_orchestras,
)


def test_what_is_trained_on_is_free_for_every_use_and_never_examined_on() -> None:
    assert TRAINING == ("fluidr3", "musescore") and EXAMINATION == ("timgm6mb", "opl3")
    assert {ORCHESTRAS[name].licence for name in TRAINING} == {"MIT"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("train", TRAINING),
        ("examine", EXAMINATION),
        ("opl3", ("opl3",)),
        ("musescore, fluidr3,musescore", ("musescore", "fluidr3")),
        ("train,opl3", (*TRAINING, "opl3")),
    ],
)
def test_names_are_read(text: str, names: tuple[str, ...]) -> None:
    assert parse_orchestras(text) == names


@pytest.mark.parametrize("text", ["", "fluid", "train,", "FluidR3"])
def test_a_name_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"orchestra=.*fluidr3, musescore") as caught:
        parse_orchestras(text)
    assert "\n" not in str(caught.value)


def test_gus_patches_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="orchestra='freepats': is a set of GUS patches, which FluidSynth cannot play"):
        parse_orchestras("freepats")


def test_the_draw_depends_on_the_seed_alone_and_is_even() -> None:
    drawn = [draw_orchestra(seed) for seed in range(400)]
    assert drawn == [draw_orchestra(seed) for seed in range(400)]
    assert 160 < drawn.count("fluidr3") < 240 and set(drawn) == set(TRAINING)
    assert {draw_orchestra(seed, ("opl3",)) for seed in range(5)} == {"opl3"}


def test_a_missing_soundfont_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    font = tmp_path / "a.sf2"
    orchestra = Orchestra(name="a", title="A", licence="MIT", package="a-font", files=(str(font),), use="train")
    monkeypatch.setitem(orchestras.ORCHESTRAS, "a", orchestra)
    with pytest.raises(
        ComposeError, match=r"orchestra='a': its soundfont \(A\) is not installed; .*apt install a-font"
    ) as caught:
        find_orchestra("a")
    assert "\n" not in str(caught.value)
    font.touch()
    assert find_orchestra("a") == font
    with pytest.raises(ValueError, match="orchestra='b'"):
        find_orchestra("b")


def test_an_orchestra_is_for_something() -> None:
    with pytest.raises(ValueError, match="use is 'fun'"):
        Orchestra(name="a", title="A", licence="MIT", package="a", files=(), use="fun")
