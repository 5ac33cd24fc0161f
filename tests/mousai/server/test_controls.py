"""Chords, tune, section and form over HTTP, and chords of a live session."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import mido
import pytest
from starlette.testclient import TestClient

from mousai.audio.files import read_metadata
from mousai.pipeline import Mousai
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.service import Service, served_model

from .conftest import ASYNC, BASE, QUICK, message_of, predict, service_of, upload, wav
from .live.test_live import FEW, listen, session

LONG = {**QUICK, "duration": 2.0, "seed": 3}


@pytest.fixture(scope="module")
def follows(controlled_model: Path) -> Iterator[TestClient]:
    """A server of a model that follows chords, a tune and sections."""
    service = Service(ServerConfig(max_duration=30.0), served_model(controlled_model, name="own", dtype="float32"))
    with TestClient(create_app(service), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def midi(*notes: int, name: str = "tune") -> bytes:
    """A MIDI file of notes that last half a second each, at 120 bpm."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    for note in notes:
        track += [mido.Message("note_on", note=note, velocity=90), mido.Message("note_off", note=note, time=480)]
    file = BytesIO()
    mido.MidiFile(tracks=[track]).save(file=file)
    return file.getvalue()


def refused(client, **given) -> str:
    return message_of(client.post("/predictions", json={"input": {**LONG, **given}}), 422)


def test_the_model_tells_what_it_follows(client, follows):
    (plain,), (own,) = (one.get("/v1/models").json()["data"] for one in (client, follows))
    assert plain["controls"] == [] and own["controls"] == ["chords", "melody", "section"]
    assert own["sections"] == ["intro", "verse", "chorus", "break", "outro"]


@pytest.mark.parametrize("given", [{"chords": "Am F"}, {"section": "verse"}, {"form": "verse:1"}])
def test_a_model_that_cannot_follow_refuses_in_one_sentence(client, given):
    (name,) = given
    assert refused(client, **given).startswith(f"{name}: the served model was not trained to follow it")
    recording = upload(client)
    for verb in ({"verb": "vary"}, {"verb": "extend", "after": 1}, {"verb": "edit", "regions": [[0.2, 0.6]]}):
        body = {"input": {**verb, "recording": recording, "prompt": "jazz, 100 bpm", **given}}
        assert message_of(client.post("/predictions", json=body), 422).startswith(f"{name}: the served model")


def test_generate_makes_what_the_pipeline_makes_of_chords_tune_and_section(follows, controlled_model, tmp_path):
    content = midi(60, 64, 67)
    (tmp_path / "tune.mid").write_bytes(content)
    made = predict(
        follows, **LONG, chords="Am:1/2 F:1/2", melody=upload(follows, content), melody_start=0.25, section="chorus"
    )
    assert made["status"] == "succeeded", made["error"]
    stored = service_of(follows).files.get(made["output_file"])
    assert {**stored.made, "melody": ""} == {**read_metadata(stored.path), "melody": ""}
    assert stored.made["chords"] == "Am:1/2 F:1/2" and stored.made["section"] == "chorus"
    pipe = Mousai.from_pretrained(controlled_model, dtype="float32", device="cpu")
    notes = [(0.25, 0.75, 60), (0.75, 1.25, 64), (1.25, 1.75, 67)]
    how = {"chords": "Am:1/2 F:1/2", "melody": notes, "section": "chorus"}
    same = pipe(LONG["prompt"], duration=2.0, seed=3, num_inference_steps=2, **how)
    same.save(tmp_path / "same.wav")
    from mousai.audio.files import read_audio

    assert (read_audio(stored.path) == read_audio(tmp_path / "same.wav")).all()
    other = predict(follows, **LONG)
    assert (read_audio(service_of(follows).files.get(other["output_file"]).path) != read_audio(stored.path)).any()


def test_chords_with_seconds_and_a_form_that_says_the_length(follows):
    assert predict(follows, **LONG, chords=[["Am", 0], ["F", 1.5]])["status"] == "succeeded"
    given = {name: value for name, value in LONG.items() if name != "duration"}
    body = {"input": {**given, "form": "intro:1 verse:1"}}
    made = follows.post("/predictions", json=body).json()
    assert made["status"] == "succeeded", made["error"]
    assert made["metrics"]["audio_seconds"] == pytest.approx(4.8)


def test_the_verbs_of_a_recording_follow_too(follows):
    recording = upload(follows, wav(3.0))
    for verb in ({"verb": "vary", "strength": 0.5}, {"verb": "extend", "after": 1}, {"verb": "edit", "bars": [[1, 2]]}):
        given = {"recording": recording, "prompt": "jazz", "tempo": 100, "steps": 2, "chords": "Dm7 G7", "seed": 1}
        made = follows.post("/predictions", json={"input": {**verb, **given}}).json()
        assert made["status"] == "succeeded", made["error"]
        command = follows.get(f"/v1/files/{made['output_file']}/info").json()["command"]
        assert "'--chords=Dm7 G7'" in command


def test_a_new_loop_follows_and_one_of_a_recording_does_not(follows):
    given = {"verb": "loop", "prompt": "house, 120 bpm", "bars": 2, "steps": 2, "chords": "Am F", "seed": 1}
    made = follows.post("/predictions", json={"input": {**given, "melody": upload(follows, midi(60))}}).json()
    assert made["status"] == "succeeded", made["error"]
    command = follows.get(f"/v1/files/{made['output_file']}/info").json()["command"]
    assert "'--chords=Am F'" in command and ".mid" in command
    refusal = follows.post("/predictions", json={"input": {**given, "recording": upload(follows, wav(5.0))}})
    assert message_of(refusal, 422).startswith("chords: is for a new loop")
    longer = follows.post("/predictions", json={"input": {**given, "chords": None, "form": "verse:3"}})
    assert "give fewer bars" in message_of(longer, 422)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"chords": "Am Hbm"}, "chords='Hbm': is no chord"),
        ({"chords": "/etc/passwd.lab"}, "is no chord"),  # a string never names a file
        ({"chords": '[["Am", 0]]'}, "is no chord"),
        ({"chords": [["Am", 1], ["F", 0]]}, "must begin after the chord before it"),
        ({"section": "bridge"}, "section: input should be 'intro'"),
        ({"form": "intro:4 solo:8"}, "solo"),
        ({"form": "verse:100"}, "lasts 240 s; a piece lasts 30 s at most"),
        ({"form": "verse:2", "section": "verse"}, "give it or form"),
        ({"melody_start": 1.0}, "give that too"),
        ({"melody": "../../etc/passwd"}, "melody: string should match pattern"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_it_waits(follows, given, hint):
    assert hint in refused(follows, **given)


def test_a_tune_is_a_midi_file_or_a_voice_and_nothing_else(follows):
    tune, voice = upload(follows, midi(72)), upload(follows, wav(0.5))
    info = follows.get(f"/v1/files/{tune}/info").json()
    assert (info["kind"], info["media_type"], info["seconds"]) == ("midi", "audio/midi", 0.5)
    assert follows.get(f"/v1/files/{tune}").content == midi(72)
    assert "has no sound" in message_of(follows.get(f"/v1/files/{tune}?format=wav"), 422)
    assert "has no sound" in refused(follows, init_audio=tune, duration=None)
    body = {"input": {"verb": "vary", "recording": tune, "prompt": "jazz"}}
    assert "has no sound" in message_of(follows.post("/predictions", json=body), 422)
    assert "melody is a recording" in refused(follows, melody=voice, melody_track="1")
    assert "no such track in " in refused(follows, melody=tune, melody_track="7")
    broken = {midi(): "no notes", b"MThd" + b"\xff" * 40: "save it as type 1", midi(60)[:-9]: "is no MIDI file"}
    for content, hint in broken.items():
        response = follows.post("/v1/files", files={"file": ("tune.mid", content)})
        assert hint in message_of(response, 415)


def test_a_hummed_tune_is_heard_when_its_turn_comes(follows):
    pytest.importorskip("librosa")
    made = predict(follows, **LONG, melody=upload(follows, wav(1.0)))
    assert made["status"] == "succeeded", made["error"]
    silent = predict(follows, **LONG, melody=upload(follows, wav(1.0, level=0.0)))
    assert silent["status"] == "failed" and "/tmp" not in silent["error"]


def test_a_tune_that_a_job_needs_is_kept(follows):
    tune = upload(follows, midi(60))
    body = {"input": {**QUICK, "duration": 2.0, "steps": 1000, "decoder_steps": 1000, "melody": tune}}
    job = follows.post("/predictions", json=body, headers=ASYNC).json()
    message_of(follows.delete(f"/v1/files/{tune}"), 409)
    follows.post(f"/predictions/{job['id']}/cancel")


def test_live_takes_other_chords_from_the_next_bar_on(follows):
    with session(follows) as socket:
        socket.send_json({**FEW, "chords": "Am F"})
        listen(socket, seconds=2)
        socket.send_json({"type": "update", "chords": "Am Xq"})
        socket.send_json({"type": "update", "chords": "Dm7 G7", "section": "chorus"})
        told, _ = listen(socket, seconds=8)
    kinds = [one["type"] for one in told]
    assert "Xq" in next(one for one in told if one["type"] == "error")["message"]
    assert next(one for one in told if one["type"] == "changed")["bar"] > 1 and "chunk" in kinds


def test_live_refuses_chords_without_a_tempo_or_a_model_for_them(client, follows):
    for server, given, hint in (
        (client, {**FEW, "chords": "Am"}, "not trained to follow"),
        (follows, {**FEW, "prompt": "calm piano", "chords": "Am"}, "need a tempo"),
    ):
        with session(server) as socket:
            socket.send_json(given)
            assert hint in socket.receive_json()["message"]


def test_one_request_for_one_piece_follows_and_its_stream_chords_and_section(follows):
    body = {**LONG, "chords": "Am F"}
    whole, plain = (follows.post("/v1/audio/generations", json=one) for one in (body, LONG))
    assert whole.status_code == plain.status_code == 200 and whole.content != plain.content
    streamed = follows.post("/v1/audio/generations", json={**body, "section": "intro", "stream": True})
    assert streamed.status_code == 200 and len(streamed.content) == 44 + 2 * 48000 * 4
    for given, hint in (
        ({"chords": [["Am", 0]]}, "must be bars in a stream"),
        ({"melody": "0" * 32}, "no part of a stream"),
        ({"form": "verse:1"}, "no part of a stream"),
    ):
        refusal = follows.post("/v1/audio/generations", json={**body, **given, "stream": True})
        assert hint in message_of(refusal, 422)
