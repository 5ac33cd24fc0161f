"""Uploads in whose comment a stranger wrote what pleased him."""

import json
import math
from io import BytesIO

import pytest
import soundfile

from mousai.server.provenance import LONGEST_PROMPT, attributes_in, cleaned

from ..conftest import predict, service_of, upload, wav

FEW = {"steps": 2, "inpaint_resamples": 1, "decoder_steps": 2}
EDIT = {"verb": "edit", "regions": [[0.2, 0.4]], **FEW}


def saying(**made: str) -> bytes:
    """A recording with this comment."""
    file = BytesIO()
    sound, rate = soundfile.read(BytesIO(wav(1.0)), dtype="float32")
    with soundfile.SoundFile(file, "w", rate, 2, format="FLAC") as opened:
        opened.comment = json.dumps({"mousai": "1", **made})
        opened.write(sound)
    return file.getvalue()


@pytest.mark.parametrize(
    "made",
    [
        {"command": "generate x; touch /tmp/owned #"},
        {"output": "/home/x/.bashrc", "overwrite": "yes"},
        {"command": "edit $(id)", "regions": "0:1"},
    ],
)
def test_an_upload_has_no_command_that_somebody_would_paste(client, made):
    name = upload(client, saying(prompt="calm", **made))
    found = client.get(f"/v1/files/{name}/info").json()
    assert found["command"] is None and "command" not in found["made"] and found["made"]["prompt"] == "calm"


@pytest.mark.parametrize("verb", [EDIT, {"verb": "vary", "strength": 0.0, **FEW}])
def test_a_prompt_that_would_be_an_option_makes_no_command(client, verb):
    given = {key: value for key, value in verb.items() if verb is EDIT or key != "inpaint_resamples"}
    name = upload(client, saying(prompt="--output=/tmp/owned"))
    made = client.post("/predictions", json={"input": {**given, "recording": name}}).json()
    assert made["status"] == "succeeded", made
    assert client.get(f"/v1/files/{made['output_file']}/info").json()["command"] is None


@pytest.mark.parametrize("tempo", ["abc", "nan", "inf", "-inf", "0", "1e999", "301", "", "12 0"])
def test_a_tempo_that_is_none_is_left_out(client, tempo):
    name = upload(client, saying(prompt="calm", tempo=tempo, first_downbeat="0.5"))
    found = client.get(f"/v1/files/{name}/info").json()
    assert found["tempo"] is None and found["first_downbeat"] is None
    response = client.post("/predictions", json={"input": {**EDIT, "recording": name, "bars": [[1, 2]]}})
    assert response.status_code == 422 and "need the tempo" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("downbeat", "is_read_as"), [("abc", 0.0), ("nan", 0.0), ("inf", 0.0), ("0.5", 0.5), ("4.5", 0.5), ("-1.5", 0.5)]
)
def test_a_first_downbeat_is_a_number_within_a_bar(client, downbeat, is_read_as):
    for stored in ({"tempo": "120", "prompt": "calm"}, {"prompt": "calm, 120 bpm"}):
        name = upload(client, saying(first_downbeat=downbeat, **stored))
        found = client.get(f"/v1/files/{name}/info").json()
        assert found["tempo"] == 120 and found["first_downbeat"] == pytest.approx(is_read_as)
        made = client.post("/predictions", json={"input": {**EDIT, "recording": name}})
        assert made.json()["status"] == "succeeded"


def test_half_a_letter_is_no_text_and_no_file_stays_that_nobody_knows(client):
    files = service_of(client).files
    before = files.count
    name = upload(client, saying(prompt="\ud800", seed="\ud800", **{"\udfff": "x", "key": "A minor", "esc": "\x1b[2J"}))
    found = client.get(f"/v1/files/{name}/info").json()
    assert found["made"].keys() == {"mousai", "key"} and files.count == before + 1
    assert client.get(f"/v1/files/{name}?format=wav").status_code == 200


def test_what_is_stored_is_bounded():
    found = cleaned({"mousai": "1", "prompt": "a" * LONGEST_PROMPT, "key": "A minor" * 1000, "lead": "kazoo"})
    assert found == {"mousai": "1"}
    many = {f"field {number}": "é" * 100 for number in range(100)}
    assert cleaned({"mousai": "1", "prompt": "calm", "tempo": "120", **many}).keys() == {"mousai", "prompt", "tempo"}
    assert cleaned({"prompt": "of another program"}) == {}
    assert math.isclose(attributes_in({"tempo": "99.5", "prompt": "120 bpm"}).tempo or 0, 99.5)


def test_info_tells_tempo_key_and_lead_as_the_server_reads_them(client):
    made = predict(client, prompt="flute melody in A minor, 90 bpm")
    found = client.get(f"/v1/files/{made['output_file']}/info").json()
    assert (found["tempo"], found["first_downbeat"], found["key"]) == (90, 0, "A minor") and found["lead"] == "flute"
    made = predict(client, prompt="calm, 90 bpm", tempo=120.0, first_downbeat=0.5, key="C major", lead="violin")
    found = client.get(f"/v1/files/{made['output_file']}/info").json()
    assert (found["tempo"], found["first_downbeat"], found["key"], found["lead"]) == (120, 0.5, "C major", "violin")
    plain = client.get(f"/v1/files/{upload(client)}/info").json()
    assert [plain[name] for name in ("tempo", "first_downbeat", "key", "lead")] == [None] * 4
