"""Chords, tune, section and form on the page, with a model that follows them and with one that does not."""

from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from .conftest import in_chromium, versions

pytestmark = in_chromium


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """A MIDI file of three notes, half a second each at 120 bpm."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="lead")])
    for note in (60, 64, 67):
        track += [mido.Message("note_on", note=note, velocity=90), mido.Message("note_off", note=note, time=480)]
    path = tmp_path / "morning tune.mid"
    mido.MidiFile(tracks=[track]).save(path)
    return path


def sent(page: Any, button: str) -> dict[str, Any]:
    """Press a button, and return the input of the job that it asks for."""
    with page.expect_request(lambda one: one.method == "POST" and one.url.endswith("/predictions")) as request:
        page.click(button)
    found: dict[str, Any] = request.value.post_data_json["input"]
    return found


def quick(page: Any) -> None:
    """Ask for few steps from now on."""
    page.click("#more summary")
    page.fill("#setting-steps", "2")
    page.click("#more summary")


def test_a_model_that_follows_nothing_has_no_fields_for_it(page: Any):
    assert page.locator("[id$=-follow]").evaluate_all("them => them.map(one => one.hidden)") == [True] * 4
    assert page.locator(".follow-fields > *, .follow-fields input").count() == 0


def test_chords_tune_and_form_are_asked_for_kept_and_told(followed_page: Any, tune: Path, tmp_path: Path):
    page = followed_page
    quick(page)
    page.fill("#prompt", "soul ballad, 120 bpm")
    page.fill("#seed", "5")

    # A refusal is said under its field, in the server's words, and goes with the next try.
    page.fill("#write-chords", "Hm E7")
    page.click("#make")
    mistake = page.locator("#write-follow [role=alert]")
    mistake.wait_for()
    assert mistake.inner_text() == "“Hm” is no chord; nearest: Bm"
    field = page.locator("#write-chords")
    assert field.get_attribute("aria-invalid") == "true" and page.locator("#error").is_hidden()
    assert mistake.get_attribute("id") in field.get_attribute("aria-describedby").split()
    assert page.evaluate("document.activeElement.id") == "write-chords"

    # A tune is shown by its name, and can be taken away again.
    files = page.locator("#write-follow input[type=file]")
    files.set_input_files(tune)
    page.get_by_role("button", name="Remove the tune morning tune.mid").click()
    assert page.locator("#write-follow .tune-name").is_hidden()
    files.set_input_files(tune)
    page.locator("#write-follow .tune-name", has_text="morning tune.mid").wait_for()
    page.fill("#write-melody_start", "0.5")
    page.fill("#write-chords", "Am F | C G |")
    page.fill("#write-form", "verse:2 chorus:2")
    assert page.locator("#duration").is_disabled()
    assert page.locator("#bars-hint").inner_text() == "As long as its form: 4 bars at 120 bpm"
    first = sent(page, "#make")
    assert (first["chords"], first["form"], first["melody_start"]) == ("Am F | C G |", "verse:2 chorus:2", 0.5)
    assert "duration" not in first and "section" not in first and mistake.count() == 0
    versions(page, 1)

    # They are told with the piece, and in its command line by the tune's own name; a reload keeps them.
    for again in (False, True):
        if again:
            page.reload()
            versions(page, 1)
            page.locator("#redo-follow .follow-fields > *").first.wait_for(state="attached")
        facts = page.locator("#piece-facts").inner_text().split("\n")
        assert facts[:5] == ["0:08", "120 bpm", "Am F | C G |", "verse:2 chorus:2", "morning tune.mid"]
        command = page.locator("#command").inner_text()
        assert "--chords 'Am F | C G |' --melody 'morning tune.mid'" in command and "--form" in command
        made = page.locator("#made").inner_text()
        assert "morning tune.mid" in made and first["melody"] not in made
    quick(page)

    # Redo: the piece's own chords and form stand there; its tune is one press away, and begins where the part does.
    page.click("#redo-follow summary")
    assert page.input_value("#redo-chords") == "Am F | C G |" and page.input_value("#redo-form") == "verse:2 chorus:2"
    page.locator("#redo-follow button", has_text="This piece’s: morning tune.mid").click()
    assert page.input_value("#redo-melody_start") == "0.5"  # where it is in the piece
    page.fill("#redo-melody_start", "")
    page.fill("#redo-chords", "Dm7 G7")
    page.fill("#from", "2")
    page.fill("#to", "2")
    page.locator("#to").dispatch_event("change")
    second = sent(page, "#redo-go")
    assert (second["verb"], second["chords"], second["melody_start"]) == ("edit", "Dm7 G7", 2)
    versions(page, 2)
    assert page.locator("#piece-facts").inner_text().split("\n")[2] == "Dm7 G7"
    commands = page.locator("#command").inner_text().splitlines()
    assert "'--chords=Dm7 G7'" in commands[1] and "--melody='morning tune.mid'" in commands[1]

    # Extend: another tune begins where the new music does. What a hum sounds like is heard elsewhere (test_controls).
    hum = np.sin(np.arange(48000) * 2 * np.pi * 220 / 48000)
    soundfile.write(tmp_path / "hum.wav", 0.3 * hum, 48000)
    page.click("#extend-follow summary")
    assert page.input_value("#extend-chords") == "Dm7 G7"
    page.locator("#extend-follow input[type=file]").set_input_files(tmp_path / "hum.wav")
    page.locator("#extend-follow .tune-name", has_text="hum.wav").wait_for()
    assert page.locator("#extend-melody_track").is_hidden()  # a recording has no tracks
    page.locator("#extend-follow input[type=file]").set_input_files(tune)
    page.locator("#extend-follow .tune-name", has_text="morning tune.mid").wait_for()
    assert page.locator("#extend-melody_track").is_visible()
    page.fill("#extend-form", "")
    page.select_option("#extend-section", "outro")
    page.fill("#after", "2")
    third = sent(page, "#extend-go")
    assert (third["verb"], third["section"], third["melody_start"]) == ("extend", "outro", pytest.approx(8, abs=1e-3))
    versions(page, 3)

    # Vary follows too.
    page.locator("#verbs summary").click()
    page.fill("#vary-strength", "0.5")
    fourth = sent(page, "#verbs form:has(summary) .primary")
    assert (fourth["verb"], fourth["chords"], fourth["section"]) == ("vary", "Dm7 G7", "outro")
    versions(page, 4)
    assert page.locator("#error").is_hidden()


def test_a_tune_belongs_to_its_piece_and_lies_where_it_is_heard(followed_page: Any, tune: Path):
    page = followed_page
    quick(page)
    page.fill("#prompt", "soul ballad, 120 bpm")
    page.fill("#duration", "8")
    page.fill("#write-chords", "Am F C G")
    page.locator("#write-follow input[type=file]").set_input_files(tune)
    page.locator("#write-follow .tune-name", has_text="morning tune.mid").wait_for()
    page.click("#make")
    versions(page, 1)

    # Two bars in front: the tune begins with them, and the chords of the piece are the same in the same places.
    page.click("#extend-follow summary")
    page.locator("#extend-follow button", has_text="This piece’s").click()
    page.fill("#before", "4")
    page.fill("#after", "")
    assert sent(page, "#extend-go")["melody_start"] == -4
    versions(page, 2)
    assert page.locator("#extend-follow .tune-name").is_hidden()  # of the piece before
    page.click("#redo-follow summary")
    assert page.input_value("#redo-chords") == "C G Am F"
    page.locator("#redo-follow button", has_text="This piece’s").click()
    assert page.input_value("#redo-melody_start") == "0"

    # Another piece comes on the desk: the tune of this one goes.
    page.click("#undo")
    page.locator("#versions [aria-current]", has_text="first version").wait_for()
    assert page.locator("#redo-follow .tune-name").is_hidden() and page.input_value("#redo-chords") == "Am F C G"
    page.fill("#from", "2")
    page.fill("#to", "2")
    page.locator("#to").dispatch_event("change")
    assert "melody" not in sent(page, "#redo-go")
    versions(page, 3)


def test_a_loop_follows_chords_in_its_bars(followed_page: Any):
    page = followed_page
    quick(page)
    page.fill("#prompt", "house, 120 bpm")
    page.fill("#write-chords", "Am F")
    page.fill("#duration", "5")
    page.check("#as-loop")
    assert page.locator("#bars-hint").inner_text() == "3 bars at 120 bpm"  # 2.5, rounded
    asked = sent(page, "#make")
    assert (asked["verb"], asked["bars"], asked["chords"]) == ("loop", 3, "Am F") and "duration" not in asked
    versions(page, 1)
    assert page.locator("#loop").get_attribute("aria-pressed") == "true"
    assert "'--chords=Am F'" in page.locator("#command").inner_text()


def test_a_midi_file_that_is_dropped_on_the_page_is_the_tune(followed_page: Any, page: Any, tune: Path):
    content = list(tune.read_bytes())
    drop = """([target, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(content)], "dropped.mid"));
      const tell = (name) => document.querySelector(target)
        .dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
      tell("dragenter");
      const shown = !document.getElementById("drop").hidden;
      tell("drop");
      return [shown, document.getElementById("drop").hidden];
    }"""
    assert followed_page.evaluate(drop, ["#empty", content]) == [True, True]
    name = followed_page.locator("#write-follow .tune-name", has_text="dropped.mid")
    name.wait_for()
    followed_page.get_by_role("button", name="Remove the tune dropped.mid").click()
    assert followed_page.evaluate(drop, ["#write-follow .tune", content]) == [True, True]
    name.wait_for()
    assert page.evaluate(drop, ["#empty", content]) == [True, True]
    page.locator("#error-text", has_text="this model follows none").wait_for()


def test_a_tune_that_cannot_be_read_is_refused_under_its_field(followed_page: Any, tmp_path: Path):
    (tmp_path / "notes.mid").write_bytes(b"MThd" + b"\xff" * 40)
    followed_page.locator("#write-follow input[type=file]").set_input_files(tmp_path / "notes.mid")
    mistake = followed_page.locator("#write-follow [role=alert]")
    mistake.wait_for()
    assert "save it as type 1" in mistake.inner_text() and "notes.mid" in mistake.inner_text()


def test_live_music_takes_other_chords_from_the_next_bar_on(followed_page: Any):
    page = followed_page
    page.fill("#prompt", "house groove, 240 bpm")
    page.fill("#write-chords", "Am F")
    page.fill("#write-form", "verse:2")
    page.click("#go-live")
    page.locator("#live-note", has_text="tune and form are left out").wait_for()
    page.locator("#live-bar", has_text="bar").wait_for()
    assert page.input_value("#live-chords") == "Am F"
    page.fill("#live-chords", "Xq")
    page.click("#live-form button.primary")
    page.locator("#live-follow [role=alert]", has_text="“Xq” is no chord").wait_for()
    page.fill("#live-chords", "Dm7 G7")
    page.select_option("#live-section", "chorus")
    page.click("#live-form button.primary")
    page.locator("#live-note", has_text="Changes from bar").wait_for()
    page.locator("#live-note", has_text="Dm7 G7, chorus plays now, since bar").wait_for()
    page.click("#live-stop")
    page.click("#live-save")
    versions(page, 1)
    assert page.input_value("#extend-chords") == "Dm7 G7" and page.input_value("#extend-section") == "chorus"
