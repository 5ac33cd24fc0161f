"""The page in a browser: write, hear, select, redo, extend, go back, cancel, reload."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from .conftest import LENGTH, in_chromium, versions

pytestmark = in_chromium


def sound(page: Any, folder: Path) -> np.ndarray:
    """Samples `[frames, channels]` of the piece on the desk, downloaded by its button."""
    with page.expect_download() as download:
        page.locator("#downloads [data-format=wav]").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return soundfile.read(path)[0]


def test_from_a_sentence_to_a_tree_of_versions_that_survives_a_reload(page: Any, tmp_path: Path):
    # Write: the knobs write into the sentence.
    page.fill("#prompt", "calm piano pop")
    page.fill("#bpm", "120")
    page.locator("#bpm").dispatch_event("change")
    page.select_option("#key-name", "A minor")
    page.select_option("#lead-name", "flute")
    assert page.input_value("#prompt") == "calm piano pop, 120 bpm, A minor, flute lead"
    page.fill("#duration", "8")
    page.fill("#seed", "5")
    page.click("#make")

    # Hear: it plays as soon as it is ready.
    page.locator("#play[aria-label=Pause]").wait_for()
    versions(page, 1)
    assert page.evaluate(LENGTH) == pytest.approx(8, abs=0.01)
    assert page.evaluate("document.getElementById('audio').currentTime") > 0.1
    page.evaluate("document.getElementById('audio').pause()")
    page.uncheck("#play-ready")
    facts = page.locator("#piece-facts").inner_text().split("\n")
    assert facts[:5] == ["0:08", "120 bpm", "A minor", "flute", "seed 5"]
    assert "mousai generate" in page.locator("#command").inner_text()
    labels = page.locator("#verbs form[aria-labelledby=vary-title] label").all_inner_texts()
    assert labels == ["Another sentence, if wanted", "How much is new", "Stay away from", "Seed"]
    first = sound(page, tmp_path)

    # Select with the mouse: it snaps to bars, of 2 s each.
    page.locator("#wave").scroll_into_view_if_needed()
    box = page.locator("#wave").bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.28, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, height, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.48, height, steps=4)
    page.mouse.up()
    page.locator("#span-hint", has_text="bar 2").wait_for()
    assert (page.input_value("#from"), page.input_value("#to")) == ("2", "2")

    # Redo, with another sentence: the rest stays.
    page.fill("#redo-prompt", "drum fill, tom toms 太鼓")
    page.click("#redo-go")
    versions(page, 2)
    second = sound(page, tmp_path)
    kept = np.r_[: 2 * 48000, 4 * 48000 : 8 * 48000]
    assert second.shape == first.shape and np.array_equal(second[kept], first[kept])
    assert not np.allclose(second[2 * 48000 : 4 * 48000], first[2 * 48000 : 4 * 48000])
    assert page.locator("#versions [aria-current]").inner_text().startswith("bar 2 anew: drum fill, tom toms")
    assert "does not know" in page.locator("#piece-remark").inner_text()  # of words of another script
    assert "does not know" not in page.locator("#piece-facts").inner_text()

    # Extend, to both sides.
    page.fill("#before", "1")
    page.fill("#after", "2")
    page.click("#extend-go")
    versions(page, 3)
    assert page.locator("#versions [aria-current]").inner_text().startswith("0.5 bars before and 1 bar after")
    assert page.evaluate("document.getElementById('audio').paused")
    assert page.evaluate(LENGTH) == pytest.approx(11, abs=0.01)
    commands = page.locator("#command").inner_text().splitlines()
    assert [line.split()[1] for line in commands] == ["generate", "edit", "extend"]
    assert commands[1].split(" -o ")[1] == commands[2].split()[2]

    # Go back, and off into another direction.
    page.click("#undo")
    page.click("#undo")
    versions(page, 3)
    assert page.evaluate(LENGTH) == pytest.approx(8, abs=0.01)
    page.fill("#from", "1")
    page.fill("#to", "1")
    page.locator("#to").dispatch_event("change")
    page.click("#redo-go")
    versions(page, 4)
    assert page.locator("#versions > li > ul > li").count() == 2

    # Reload.
    page.reload()
    versions(page, 4)
    assert not page.is_checked("#play-ready")
    assert page.locator("#versions [aria-current]").inner_text().startswith("bar 1 anew")
    assert page.evaluate(LENGTH) == pytest.approx(8, abs=0.01)


def test_a_job_is_followed_over_a_reload_and_canceled(page: Any):
    page.click("#more summary")
    page.fill("#setting-steps", "1000")
    page.fill("#duration", "30")
    page.click("#make")
    page.locator(".job-words", has_text="Composing, step").wait_for()
    page.click("#surprise")
    page.locator(".job-words", has_text="1 job before it").wait_for()
    page.reload()
    page.locator(".job-words", has_text="Composing, step").wait_for()
    assert page.locator(".job").count() == 2
    page.locator(".job").nth(1).locator("button").click()
    page.locator(".job").nth(1).wait_for(state="detached")
    page.locator(".job button").click()
    page.locator(".job").wait_for(state="detached")
    assert page.locator("#error").is_hidden() and page.locator("#desk").is_hidden()


def test_a_recording_is_opened_and_asks_for_what_it_lacks(page: Any, tmp_path: Path):
    time = np.arange(4 * 44100) / 44100
    soundfile.write(tmp_path / "tone.flac", 0.3 * np.sin(2 * np.pi * 220 * time), 44100)
    page.set_input_files("#file", tmp_path / "tone.flac")
    versions(page, 1)
    assert page.locator("#from-label").inner_text() == "From second"  # nobody knows its tempo
    page.fill("#clock-tempo", "120")
    page.click("#clock button")
    page.locator("#from-label", has_text="From bar").wait_for()
    page.fill("#from", "2")
    page.fill("#to", "2")
    page.locator("#to").dispatch_event("change")
    page.fill("#redo-prompt", "flute melody")
    page.click("#redo-go")
    versions(page, 2)
    assert "--tempo 120" in page.locator("#command").inner_text()


def test_a_recording_of_a_container_that_browsers_do_not_read_is_played(page: Any, tmp_path: Path):
    soundfile.write(tmp_path / "tone.aiff", np.full((2 * 44100, 2), 0.1), 44100)
    page.set_input_files("#file", tmp_path / "tone.aiff")
    versions(page, 1)
    assert page.evaluate(LENGTH) == pytest.approx(2, abs=0.01)
    page.locator("#kept", has_text="This browser keeps a copy").wait_for()
    assert page.locator("#redo-go").is_enabled() and page.locator("#error").is_hidden()


def test_on_a_phone_nothing_is_cut_off(page: Any):
    page.set_viewport_size({"width": 360, "height": 740})
    page.fill("#duration", "4")
    page.click("#make")
    versions(page, 1)
    page.click("#more summary")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box["width"] >= 24 and box["height"] >= 24 and box["x"] + box["width"] <= 360


def test_music_without_end_is_changed_while_it_plays_and_kept(page: Any):
    page.fill("#prompt", "house groove, 240 bpm")
    page.click("#go-live")
    page.locator("#live-bar", has_text="bar").wait_for()
    page.fill("#live-prompt", "jazz trio")
    page.click("#live-form button")
    page.locator("#live-note", has_text="Changes from bar").wait_for()
    page.locator("#live-note", has_text="“jazz trio” plays now, since bar").wait_for()
    page.click("#live-stop")
    page.click("#live-save")
    versions(page, 1)
    assert page.locator("#piece-title").inner_text() == "house groove, 240 bpm → jazz trio"
    seconds = page.evaluate(LENGTH)
    assert 1 < seconds < 60
    assert page.locator("#live").is_hidden() and page.locator("#error").is_hidden()
