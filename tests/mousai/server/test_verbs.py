"""What each verb makes, compared with the pipeline itself and the command line."""

import shlex
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from mousai.audio.files import read_audio
from mousai.cli import build_parser, main
from mousai.pipeline import Mousai
from mousai.sampling_config import SamplingConfig
from mousai.server.app import create_app
from mousai.server.config import ServerConfig
from mousai.server.service import Service, served_model
from mousai.server.verbs import VERBS
from mousai.settings import settings_of

from ..adapters import write_adapter
from .conftest import BASE, QUICK, message_of, predict, service_of, upload, wav

FEW = {"steps": 2, "inpaint_resamples": 1, "decoder_steps": 2}


def recording(client, verb: str, name: str, **given):
    body = {"input": {"verb": verb, "recording": name, "prompt": "drum fill", **FEW, **given}}
    return client.post("/predictions", json=body)


def sound_of(client, made: dict) -> np.ndarray:
    sound, _ = soundfile.read(BytesIO(client.get(made["output"]).content), dtype="float32")
    return sound


def info_of(client, made: dict) -> dict:
    return client.get(f"/v1/files/{made['output_file']}/info").json()


def test_generate_makes_the_bytes_that_the_pipeline_makes(client, saved_model: Path, tmp_path: Path):
    made = predict(client, seed=3, guidance_scale=4.0, negative_prompt="drums", response_format="flac")
    pipe = Mousai.from_pretrained(saved_model, dtype="float32")
    result = pipe(
        QUICK["prompt"], duration=0.2, num_inference_steps=2, seed=3, guidance_scale=4.0, negative_prompt="drums"
    )
    result.save(tmp_path / "a.flac", metadata={"model": "bundled"})
    assert client.get(made["output"]).content == (tmp_path / "a.flac").read_bytes()


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg"])
def test_a_result_is_written_in_the_container_that_is_asked_for(client, container):
    made = predict(client, response_format=container)
    response = client.get(made["output"])
    kind = {"mp3": "audio/mpeg"}.get(container, f"audio/{container}")
    assert response.headers["content-type"] == kind
    assert soundfile.info(BytesIO(response.content)).format == container.upper()


def test_generate_starts_from_a_recording(client):
    name = upload(client, wav(0.3, rate=44100, channels=1))
    body = {"prompt": "jazz", "init_audio": name, "strength": 0.5, "steps": 2}
    made = client.post("/predictions", json={"input": body}).json()
    assert made["metrics"]["audio_seconds"] == pytest.approx(0.3)
    both = client.post("/predictions", json={"input": {**body, "duration": 2}})
    assert "as long as init_audio" in message_of(both, 422)


def test_edit_keeps_what_it_does_not_name(client):
    name = upload(client, wav(1.0, rate=44100, channels=1, subtype="PCM_16"))
    made = recording(client, "edit", name, regions=[[0.4, 0.6]], seed=1).json()
    before, _ = soundfile.read(BytesIO(client.get(f"/v1/files/{name}").content), dtype="float32")
    after = sound_of(client, made)
    changed = np.flatnonzero(before != after)
    assert before.shape == after.shape and changed[0] >= 0.4 * 44100 and changed[-1] < 0.6 * 44100
    assert len(changed) > 1000


def test_edit_takes_bars_and_reads_tempo_and_prompt_from_what_mousai_stored(client):
    made = predict(client, duration=4.0, prompt="calm piano pop, 240 bpm, A minor")
    body = {"verb": "edit", "recording": made["output_file"], "bars": [[2, 3]], **FEW}
    edited = client.post("/predictions", json={"input": body}).json()
    stored = info_of(client, edited)["made"]
    assert stored["regions"] == "1:2" and stored["tempo"] == "240" and stored["key"] == "A minor"
    assert stored["prompt"] == "calm piano pop, 240 bpm, A minor"


def test_extend_adds_music_to_either_side(client):
    name = upload(client, wav(0.5))
    made = recording(client, "extend", name, after=0.25, before=0.5, tempo=120, first_downbeat=0.0).json()
    sound, before = sound_of(client, made), wav(0.5)
    kept, _ = soundfile.read(BytesIO(before), dtype="float32")
    assert sound.shape == (60000, 2) and np.array_equal(sound[24000:48000], kept)
    assert info_of(client, made)["made"]["first_downbeat"] == "0.5"


@pytest.mark.parametrize(
    ("verb", "given", "hint"),
    [
        ("edit", {"regions": [[0.5, 0.4]]}, "reversed"),
        ("edit", {"regions": [[0.5, 2]]}, "1.00 s long"),
        ("edit", {"regions": [[0.5]]}, "at least 2 items"),
        ("edit", {"regions": [[0.1, 0.2]] * 51}, "at most 50 items"),
        ("edit", {"bars": [[1.5, 2]], "tempo": 240}, "whole numbers"),
        ("extend", {"after": 40}, "at most 30 s on this server"),
        ("extend", {"after": 1, "strength": 0.5}, "not permitted"),
        ("extend", {"after": 1, "recording": "0" * 31 + "g"}, "match"),
    ],
)
def test_what_cannot_be_done_to_a_recording_is_refused_before_it_waits(client, verb, given, hint):
    name = upload(client)
    assert (
        hint in message_of(recording(client, verb, **{"name": name, **given}), 422)
        if "recording" not in given
        else (hint in message_of(client.post("/predictions", json={"input": {"verb": verb, **given}}), 422))
    )
    client.delete(f"/v1/files/{name}")


def test_a_silent_end_cannot_be_continued(client):
    assert "silent" in message_of(recording(client, "extend", upload(client, wav(level=0.0)), after=1), 422)


def test_a_container_that_cannot_hold_the_recording_is_refused_before_the_work(client):
    loud = upload(client, wav(level=1.5, subtype="FLOAT"))
    given = {"regions": [[0.2, 0.4]]}
    assert "beyond ±1" in message_of(recording(client, "edit", loud, response_format="flac", **given), 422)
    fast = upload(client, wav(rate=96000))
    assert "96000" in message_of(recording(client, "edit", fast, response_format="mp3", **given), 422)
    assert recording(client, "edit", fast, response_format="flac", **given).status_code == 200


@pytest.mark.parametrize("verb", VERBS)
def test_every_setting_of_sampling_is_a_field_under_the_name_of_its_option(verb):
    properties = VERBS[verb].model_json_schema()["properties"]
    left_out = {"inpaint_resamples"} if verb in ("generate", "vary") else {"strength"}
    for name, one in settings_of(SamplingConfig).items():
        assert (one.stored_as(name) in properties) == (name not in left_out)
        if name not in left_out:
            assert properties[one.stored_as(name)]["description"] == one.help


def test_a_file_tells_the_command_line_that_makes_it_again(client):
    made = predict(client, seed=3, prompt="it's calm")
    words = shlex.split(info_of(client, made)["command"])
    parsed = build_parser("generate").parse_args(words[1:])
    assert parsed.prompt == ["it's calm"] and parsed.seed == 3 and parsed.num_inference_steps == 2
    name = upload(client)
    edited = recording(client, "edit", name, regions=[[0.2, 0.4]], tempo=120, negative_prompt="no drums").json()
    words = shlex.split(info_of(client, edited)["command"])
    parsed = build_parser("edit").parse_args(words[1:])
    assert parsed.recording == f"{name}.wav" and parsed.region == ["0.2:0.4"] and parsed.tempo == 120
    assert parsed.negative_prompt == "no drums" and parsed.inpaint_resamples == 1
    known = predict(client, tempo=120, key="A minor", lead="flute")
    assert info_of(client, known)["command"] is None  # the command line has no options for these
    assert info_of(client, known)["made"]["lead"] == "flute"


def test_vary_keeps_rate_channels_and_length_and_at_strength_0_the_samples(client):
    content = wav(0.5, rate=44100, channels=1, subtype="PCM_16")
    name = upload(client, content)
    body = {"verb": "vary", "recording": name, "prompt": "jazz", "steps": 2}
    before, _ = soundfile.read(BytesIO(content), dtype="float32")
    same = sound_of(client, client.post("/predictions", json={"input": {**body, "strength": 0}}).json())
    made = client.post("/predictions", json={"input": {**body, "strength": 0.5, "seed": 2}}).json()
    other = sound_of(client, made)
    assert np.array_equal(before, same) and other.shape == before.shape and not np.array_equal(before, other)
    words = shlex.split(info_of(client, made)["command"])
    parsed = build_parser("vary").parse_args(words[1:])
    assert parsed.strength == 0.5 and parsed.recording == f"{name}.wav" and parsed.seed == 2


def test_loop_makes_whole_bars_and_loops_of_a_recording(client):
    body = {"verb": "loop", "prompt": "house groove, 240 bpm", "bars": 1, "steps": 2, "seed": 3}
    made = client.post("/predictions", json={"input": body}).json()
    assert sound_of(client, made).shape == (48000, 2)
    words = shlex.split(info_of(client, made)["command"])
    parsed = build_parser("loop").parse_args(words[1:])
    assert parsed.bars == 1 and parsed.prompt == "house groove, 240 bpm" and parsed.seed == 3
    name = upload(client, wav(2.0))
    of = {"verb": "loop", "recording": name, "prompt": "house", "region": [0.5, 1.5], "seam": 0.25, **FEW}
    made = client.post("/predictions", json={"input": of}).json()
    assert made["status"] == "succeeded", made
    assert sound_of(client, made).shape == (48000, 2)
    parsed = build_parser("loop").parse_args(shlex.split(info_of(client, made)["command"])[1:])
    assert parsed.audio == f"{name}.wav" and parsed.region == "0.5:1.5" and parsed.seam_seconds == 0.25


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"prompt": "house"}, "names no tempo"),
        ({"bars": 100, "prompt": "slow, 60 bpm"}, "bars"),
        ({"bars": 0}, "greater than or equal to 1"),
    ],
)
def test_a_loop_that_is_none_is_refused_before_it_waits(client, given, hint):
    body = {"verb": "loop", "prompt": "house, 120 bpm", **given}
    assert hint in message_of(client.post("/predictions", json={"input": body}), 422)


def test_files_that_a_job_needs_stay_until_it_has_ended(client):
    name = upload(client)
    files = service_of(client).files
    files.pin([name])
    assert "needed by a job" in message_of(client.delete(f"/v1/files/{name}"), 409)
    files.sweep(1e12)
    assert client.get(f"/v1/files/{name}").status_code == 200
    files.unpin([name])
    assert client.delete(f"/v1/files/{name}").status_code == 204


# ---- commands that make a result again


@pytest.fixture(scope="module")
def adapted(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model and an adapter, as somebody who has both would have them."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copytree(saved_model, folder / "miniature")
    write_adapter(folder / "a.safetensors", saved_model, value=0.05)
    return folder


@pytest.mark.parametrize(
    "given",
    [
        {
            "verb": "edit",
            "regions": [[0.2, 0.4123456789]],
            "tempo": 123.456789012345,
            "first_downbeat": 0.1234567890123,
        },
        {"verb": "extend", "after": 0.2512345678, "inpaint_resamples": 2},
        {"verb": "vary", "strength": 0.5, "key": "A minor"},
        {"verb": "loop", "region": [0.1, 0.9], "seam": 0.2345678901},
        {"verb": "loop", "recording": None, "prompt": "house, 240 bpm", "bars": 1, "tempo": 234.56789012345},
        {"verb": "generate", "recording": None, "duration": 0.2},
    ],
)
def test_a_command_names_model_and_adapter_and_makes_the_same_samples(
    given: dict[str, Any], saved_model: Path, adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def load() -> Mousai:
        return Mousai.from_pretrained(saved_model, dtype="float32").load_lora_weights(adapted / "a.safetensors")

    facts = {"lora": "a.safetensors"}
    model = served_model(saved_model, name="miniature", dtype="float32", load=load, facts=facts)
    with TestClient(create_app(Service(ServerConfig(), model)), base_url=BASE) as client:
        name = upload(client)
        settings = {"steps": 2, "decoder_steps": 1, "seed": 4}
        told = {"prompt": "drums", "recording": name, **settings, **given}
        told = {key: value for key, value in told.items() if value is not None}
        made = client.post("/predictions", json={"input": told}).json()
        assert made["status"] == "succeeded", made
        words = shlex.split(info_of(client, made)["command"])
        (tmp_path / "again.wav").write_bytes(client.get(made["output"]).content)
        (tmp_path / f"{name}.wav").write_bytes(client.get(f"/v1/files/{name}").content)
    asked = build_parser(words[1]).parse_args(words[1:])
    assert (asked.model, asked.lora, asked.dtype) == ("miniature", "a.safetensors", "float32")
    for one in ("miniature", "a.safetensors"):
        (tmp_path / one).symlink_to(adapted / one)
    monkeypatch.chdir(tmp_path)
    server = read_audio("again.wav")
    assert main([*words[1:], "--overwrite"]) == 0
    assert np.array_equal(server, read_audio("again.wav"))
