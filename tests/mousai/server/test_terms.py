"""What a request is checked against before it waits, without a server: models and recordings of every kind."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mousai import UserError
from mousai.sampling_config import SamplingConfig
from mousai.server.errors import ApiError
from mousai.server.files import FileStore, StoredFile
from mousai.server.job import Job
from mousai.server.live.input import LiveInput
from mousai.server.queue import JobQueue
from mousai.server.routes.predictions import accept
from mousai.server.verbs import VERBS
from mousai.server.verbs.base import Terms
from mousai.server.verbs.generate import GenerateInput
from mousai.server.webhooks.following import Webhooks

PLAIN = StoredFile(
    id="0" * 32, path=Path("a"), kind="upload", container="wav", size=1, seconds=2.0, sample_rate=48000, channels=2
)
ASKED: dict[str, dict[str, Any]] = {
    "generate": {"prompt": "house, 120 bpm"},
    "loop": {"prompt": "house, 120 bpm"},
    "live": {"prompt": "house, 120 bpm"},
    "edit": {"prompt": "house", "recording": PLAIN.id, "regions": [[0.5, 1.0]]},
    "extend": {"prompt": "house", "recording": PLAIN.id, "after": 1.0},
    "vary": {"prompt": "house", "recording": PLAIN.id},
}
OF = {"prompt": "house", "recording": PLAIN.id, "region": [0.0, 1.0]}
"""A loop of a recording."""


def checked(verb: str, given: dict[str, Any], file: StoredFile = PLAIN, **terms: Any) -> None:
    """Check a request as the server does when it comes."""
    files: Any = SimpleNamespace(recording=lambda name, field="recording": file, get=lambda name: file)
    told = {"defaults": SamplingConfig(), "sample_rate": 48000, "channels": 2, "max_duration": 30.0, **terms}
    asked = {name: value for name, value in given.items() if value is not None}
    kind: Any = LiveInput if verb == "live" else VERBS[verb]
    kind(verb=verb, **asked).check(Terms(files=files, **told))


def refusal(verb: str, given: dict[str, Any], file: StoredFile = PLAIN, **terms: Any) -> str:
    """The sentence with which a request is refused."""
    with pytest.raises(UserError) as caught:
        checked(verb, given, file, **terms)
    return str(caught.value)


@pytest.mark.parametrize("verb", ASKED)
def test_every_verb_checks_settings_and_controls(verb: str):
    asked = ASKED[verb]
    said = refusal(verb, {**asked, "guidance_scale": 1.0, "negative_prompt": "drums"})
    assert said == "guidance_scale=1: uses no negative_prompt; give more, or leave it out"
    said = "exact: is promised on the CPU alone, not on cuda; load the model with device cpu"
    assert refusal(verb, {**asked, "exact": True}, device="cuda") == said
    said = "the served model was not trained to follow it; GET /v1/models lists what it follows under controls"
    assert refusal(verb, {**asked, "chords": "Am F C G"}) == f"chords: {said}"


@pytest.mark.parametrize("verb", ["generate", "loop"])
def test_a_container_that_cannot_hold_the_models_rate(verb: str):
    said = refusal(verb, {**ASKED[verb], "response_format": "mp3"}, sample_rate=96000)
    assert said == "response_format='mp3': cannot hold 96000 samples a second, the recording's rate; use wav"


@pytest.mark.parametrize("verb", ["edit", "vary"])
def test_a_container_that_cannot_hold_the_recording(verb: str):
    asked = {**ASKED[verb], "response_format": "flac", **({"strength": 0} if verb == "vary" else {})}
    said = "response_format='flac': cannot hold this recording, which goes beyond ±1; use wav"
    assert refusal(verb, asked, replace(PLAIN, peak=1.5)) == said
    said = "response_format='mp3': cannot hold 96000 samples a second, the recording's rate; use wav"
    assert refusal(verb, {**asked, "response_format": "mp3"}, replace(PLAIN, sample_rate=96000)) == said


def test_a_varied_recording_may_go_beyond_one_since_none_of_its_samples_stays():
    asked, loud = {**ASKED["vary"], "response_format": "flac"}, replace(PLAIN, peak=1.02)
    checked("vary", asked, loud)
    checked("vary", {**asked, "strength": 0.2}, loud)
    assert "which goes beyond ±1; use wav" in refusal("vary", {**asked, "strength": 0}, loud)
    checked("edit", {**ASKED["edit"], "response_format": "ogg"}, loud)  # which holds more


@pytest.mark.parametrize(
    ("verb", "given", "said"),
    [
        ("generate", {"duration": 31.0}, "duration=31: must be at most 30 on this server"),
        ("generate", {"melody_start": 1.0}, "melody_start=1: says where melody begins; give that too"),
        ("generate", {"melody_track": "1"}, "melody_track='1': names a track of melody; give that too"),
        ("live", {"format": "opus"}, "format='opus': has no 44100 samples a second, the model's rate; use s16le"),
        ("loop", {"bars": 20}, "bars=20: are more than 30 s, the most on this server"),
        ("loop", {"prompt": None}, "prompt: say what the loop is like, or which recording is to loop"),
        ("loop", {"seam": 0.5}, "seam=0.5: is for a recording that is to loop; give recording too"),
        (
            "loop",
            {**OF, "section": "verse"},
            "section: is for a new loop, not for one of a recording; leave one of them out",
        ),
        (
            "loop",
            {**OF, "bars": 1},
            "region: say which part is to loop: region in seconds, or bars; one of the two",
        ),
        ("loop", {**OF, "region": None, "bars": 1}, "bars=1: need the tempo; give tempo and first_downbeat"),
        ("loop", {**OF, "seam": 0.9}, "seam_seconds=0.9: must be 0.05 to 0.5 s, half of the region at most"),
        ("edit", {"prompt": None}, "prompt: must be given: the recording has none of its own"),
        ("edit", {"bars": [[1, 2]]}, "bars: need the tempo; give tempo and first_downbeat"),
        ("edit", {"regions": []}, "regions: say what is made anew: regions in seconds, or bars"),
        ("extend", {"after": None}, "after: say how far: after, before, or both"),
        ("extend", {"after": 40.0}, "after: makes 42 s together; at most 30 s on this server"),
    ],
)
def test_what_cannot_be_done_is_one_whole_sentence(verb: str, given: dict[str, Any], said: str):
    assert refusal(verb, {**ASKED[verb], **given}, sample_rate=44100) == said


def test_a_track_is_of_midi():
    said = refusal("generate", {**ASKED["generate"], "melody": PLAIN.id, "melody_track": "1"}, controls=("melody",))
    assert said == "melody_track='1': names a track of MIDI; melody is a recording"


# ---- the queue, which no worker empties here


def accepted(queue: JobQueue, **given: Any) -> Job:
    terms = Terms(defaults=SamplingConfig(), sample_rate=48000, channels=2, max_duration=30.0, files=queue._files)
    service: Any = SimpleNamespace(queue=queue, webhooks=Webhooks(), terms=terms)
    wanted = GenerateInput(**{"prompt": "house", **given.pop("input", {})})
    return asyncio.run(accept(wanted, service, **given))


def sentence(queue: JobQueue, **given: Any) -> str:
    with pytest.raises(ApiError) as caught:
        accepted(queue, **given)
    return caught.value.message


@pytest.fixture
def queue() -> Iterator[JobQueue]:
    files, engine = FileStore(keep=60, limit=10**6), SimpleNamespace(jobs=1)
    yield JobQueue(engine, files, limit=2, keep=60, on_failure=lambda error: None)  # type: ignore[arg-type]
    files.close()


def test_a_server_that_takes_nothing_more_says_so_before_it_checks(queue: JobQueue):
    wrong = {"duration": 31.0}
    accepted(queue)
    accepted(queue, name="a")
    said = "the queue is full: 2 jobs wait; try again later"
    assert sentence(queue) == sentence(queue, input=wrong) == said
    queue.closing = True
    said = "the server is shutting down and accepts no more jobs"
    assert sentence(queue) == sentence(queue, input=wrong) == said
    assert queue.length == 2


def test_what_changed_while_a_job_was_checked_counts(queue: JobQueue, monkeypatch: pytest.MonkeyPatch):
    first = accepted(queue, name="a", input={"seed": 1})
    assert accepted(queue, name="a", input={"seed": 1}, once=True) is first
    for given in ({"input": {"seed": 2}, "once": True}, {"input": {"seed": 1}}):
        assert sentence(queue, name="a", **given) == "there is a prediction a already"
    for place, name, value, said in (
        (queue, "closing", True, "the server is shutting down and accepts no more jobs"),
        (queue._files, "_limit", 0, "the store of 0 MB is full; delete files, or wait until old ones are removed"),
    ):
        queue.closing = False
        monkeypatch.setattr(GenerateInput, "check", lambda *_, change=(place, name, value): setattr(*change))
        assert sentence(queue) == said
    assert queue.length == 1
