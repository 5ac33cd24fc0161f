"""Usual tempos: what is read of an embedding, where the generator is told it, and the file that keeps it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from mousai import Mousai, MusicAttributes
from mousai.audio.files import read_metadata
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import T5TextEncoder, TextEmbedding
from mousai.conditioning.usual_tempo import MIDDLE, USUAL_TEMPO, UsualTempo, load_usual_tempo
from tests.mousai.pipeline.conditionings import watched_conditionings
from tests.mousai.refusing import refused

FILE = Path("text_encoder") / USUAL_TEMPO


def reading(features: int, *, octaves_of: Sequence[float], bias: float) -> UsualTempo:
    made = UsualTempo(features)
    with torch.no_grad():
        made.linear.weight.zero_()
        made.linear.weight[0, : len(octaves_of)] = torch.tensor(octaves_of)
        made.linear.bias.fill_(bias)
    return made


@pytest.fixture
def pipe(saved_model: Path) -> Mousai:
    return Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")


@pytest.fixture
def told(pipe: Mousai, monkeypatch: pytest.MonkeyPatch) -> list[Conditioning]:
    """What the generator of `pipe` is asked for, call by call."""
    return watched_conditionings(pipe, monkeypatch)


def test_an_embedding_is_read_as_octaves():
    tempo = reading(3, octaves_of=[1.0, 0.5, 0.0], bias=math.log2(60))
    means = torch.tensor([[0.0, 0.0, 9.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    torch.testing.assert_close(2 ** tempo(means), torch.tensor([60.0, 120.0, 60 * 2**0.5]))
    assert tempo.tempos(means) == [60.0, 120.0, 85.0]  # whole beats per minute


def test_every_tempo_is_one_that_a_prompt_may_state():
    tempo = reading(1, octaves_of=[1.0], bias=0.0)
    assert tempo.tempos(torch.tensor([[-5.0], [20.0], [7.0]])) == [30.0, 300.0, 128.0]


@pytest.mark.parametrize(("bias", "tempo"), [(1e6, 300.0), (-1e6, 30.0)])
def test_numbers_beyond_all_tempos_are_the_fastest_and_the_slowest(bias: float, tempo: float):
    assert reading(1, octaves_of=[], bias=bias).tempos(torch.zeros(1, 1)) == [tempo]


def test_an_encoder_that_gives_no_numbers_is_said_to_be_damaged():
    said = refused(UsualTempo(2).tempos, torch.tensor([[math.nan, 0.0]]))
    assert said == "text_encoder: gives numbers that are not finite: its weights are damaged"


def test_nothing_learned_is_the_middle():
    assert UsualTempo(4).tempos(torch.randn(2, 4)) == [MIDDLE, MIDDLE]


def test_half_precision_reads_the_same_tempo():
    torch.manual_seed(0)
    tempo, means = reading(8, octaves_of=[0.03, -0.05], bias=7.0), torch.randn(5, 8)
    exact = tempo.tempos(means)
    assert all(abs(one - two) <= 1 for one, two in zip(exact, tempo.bfloat16().tempos(means.bfloat16()), strict=True))


def test_a_prompt_without_a_known_word_has_none(saved_model: Path):
    encoder = T5TextEncoder.load(saved_model)
    encoder.tempo, encoder.vocabulary = reading(encoder.features, octaves_of=[], bias=7.0), frozenset({"techno"})
    prompts = ["dark techno", "frobnicate the wibble", "some music, please", ""]
    with torch.no_grad():
        assert encoder.usual_tempos(prompts, encoder(prompts)) == [128.0, None, None, None]
        encoder.tempo = None
        assert encoder.usual_tempos(prompts, encoder(prompts)) == [None] * 4


def test_the_generator_is_told_it_where_the_prompt_states_none(pipe: Mousai, told: list[Conditioning]):
    pipe.text_encoder.tempo = reading(pipe.text_encoder.features, octaves_of=[], bias=7.0)
    prompts = ["calm piano pop", "metal, 90 bpm"]
    pipe(prompts, duration=0.2, num_inference_steps=1, seed=0, num_waveforms_per_prompt=2)
    assert [one.tempo for one in told[0].attributes] == [128.0, 128.0, 90.0, 90.0]
    pipe("calm piano pop", duration=0.2, num_inference_steps=1, seed=0, attributes=MusicAttributes(tempo=70.0))
    assert [one.tempo for one in told[1].attributes] == [70.0]


def test_an_encoder_that_knows_none_tells_none(pipe: Mousai, told: list[Conditioning]):
    pipe("calm piano pop", duration=0.2, num_inference_steps=1, seed=0)
    assert [one.tempo for one in told[0].attributes] == [None]


@pytest.mark.parametrize("exact", [False, True])
def test_results_tell_which_tempos_were_taken(pipe: Mousai, tmp_path: Path, exact: bool):
    pipe.text_encoder.tempo = reading(pipe.text_encoder.features, octaves_of=[], bias=7.0)
    prompts = ["metal, 90 bpm", "calm piano pop"]
    made = pipe(prompts, duration=0.2, num_inference_steps=1, seed=0, exact=exact)
    assert made.tempos == (None, 128.0)
    stored = [read_metadata(path).get("tempo") for path in made.save(tmp_path / "a.wav")]
    assert stored == [None, "128"]
    own = made.save(tmp_path / "b.wav", metadata={"tempo": "64"})
    assert [read_metadata(path)["tempo"] for path in own] == ["64", "64"]
    fixed = pipe("calm piano pop", duration=0.2, seed=0, attributes=MusicAttributes(tempo=70.0), exact=exact)
    assert fixed.tempos == (None,)


def test_it_can_be_asked_for(pipe: Mousai):
    assert pipe.usual_tempo("calm piano pop") is None
    pipe.text_encoder.tempo = reading(pipe.text_encoder.features, octaves_of=[], bias=7.0)
    assert pipe.usual_tempo("calm piano pop") == 128.0 and pipe.usual_tempo("calm piano pop, 90 bpm") is None


def test_a_stream_begins_with_it_and_goes_on_in_it(pipe: Mousai):
    pipe.text_encoder.tempo = reading(pipe.text_encoder.features, octaves_of=[], bias=7.0)
    with pipe.stream("calm piano pop", seed=0, num_inference_steps=1) as stream:
        assert stream.tempo == 128.0
        stream.update(prompt="metal")
        assert stream.tempo == 128.0
        stream.update(prompt="metal, 90 bpm")
        assert stream.tempo == 90.0
    with pipe.stream("calm piano pop, 70 bpm", seed=0, num_inference_steps=1) as stream:
        assert stream.tempo == 70.0


def test_a_varied_recording_keeps_its_own_tempo(pipe: Mousai, told: list[Conditioning]):
    pipe.text_encoder.tempo = reading(pipe.text_encoder.features, octaves_of=[], bias=7.0)
    sound = 0.1 * torch.randn(2, pipe.sample_rate // 4)
    pipe("calm piano pop", init_audio=sound, strength=0.5, num_inference_steps=2, seed=0)
    assert [one.tempo for one in told[0].attributes] == [None]


def test_an_encoder_of_ones_own_need_not_know_any(saved_model: Path):
    class Own(torch.nn.Module):
        features = 32

        def forward(self, prompts: Sequence[str], *, keep_padding: bool = False) -> TextEmbedding:
            return TextEmbedding(torch.zeros(len(prompts), 64, 32), torch.ones(len(prompts), 64, dtype=torch.bool))

    pipe = Mousai.from_pretrained(saved_model, text_encoder=Own(), dtype="float32", device="cpu")
    assert pipe("calm piano pop", duration=0.2, num_inference_steps=1, seed=0).audios.shape[0] == 1


@pytest.mark.parametrize("found", [[], None, [0.0], [math.nan], ["fast"], [5000.0], [True], [120.0, 120.0]])
def test_an_encoder_of_ones_own_tells_tempos_or_none(found: object, pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipe.text_encoder, "usual_tempos", lambda prompts, embedding: found)
    for ask in (
        pipe.usual_tempo,
        lambda prompt: pipe(prompt, duration=0.2, num_inference_steps=1, seed=0),
        lambda prompt: pipe.stream(prompt, num_inference_steps=1, seed=0),
    ):
        said = refused(ask, "calm piano pop")
        assert said.startswith("text_encoder.usual_tempos")
        assert said.endswith("must be a list, for each prompt a tempo of 30 to 300 beats per minute or None")


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        (5, "prompt=5: must be one sentence"),
        (None, "prompt: must be one sentence"),
        (["house"], "prompt=['house']: must be one sentence"),
        ("a" * 20_001, "prompt: has 20001 characters; 20000 are the most, and few are read"),
    ],
)
def test_what_is_no_sentence_has_no_usual_tempo(prompt: object, line: str, pipe: Mousai):
    assert refused(pipe.usual_tempo, prompt) == line


# ---- the file


def test_a_model_folder_keeps_it(pipe: Mousai, tmp_path: Path):
    features = pipe.text_encoder.features
    pipe.text_encoder.tempo = reading(features, octaves_of=[0.25, -1 / 3], bias=6.5)
    pipe.save_pretrained(tmp_path / "model")
    back = T5TextEncoder.load(tmp_path / "model").tempo
    assert back is not None
    means = torch.randn(4, features)
    torch.testing.assert_close(back(means), pipe.text_encoder.tempo(means), atol=0, rtol=0)
    assert load_usual_tempo(tmp_path / "nothing.json", features) is None


def test_a_model_without_one_has_no_file(pipe: Mousai, tmp_path: Path):
    pipe.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model" / FILE).exists()


@pytest.mark.parametrize(
    "content",
    [
        {"weight": [0.0] * 31, "bias": 1.0},
        {"weight": [0.0] * 31 + ["a"], "bias": 1.0},
        {"weight": [0.0] * 31 + [1e9], "bias": 1.0},
        {"weight": [0.0] * 31 + [True], "bias": 1.0},
        {"weight": [0.0] * 32},
        {"weight": "0" * 32, "bias": 1.0},
    ],
)
def test_a_file_of_other_numbers_is_refused(content: dict[str, object], model_copy: Path):
    (model_copy / FILE).write_text(json.dumps(content))
    said = refused(T5TextEncoder.load, model_copy)
    assert said == (f"{model_copy / FILE}: must hold 'weight', a list of 32 finite numbers, and 'bias', another one")
