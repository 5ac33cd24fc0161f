"""Exact calls: the same bytes whatever is made beside a piece and whatever the number of threads."""

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mousai import Mousai, MusicAttributes, SamplingConfig
from mousai.exact.threads import check_exact
from tests.mousai.adapters import write_adapter
from tests.mousai.refusing import refused

PROMPTS = ("calm piano pop, 100 bpm", "fast metal in A minor", "slow jazz trio at 72 bpm in F major", "")
QUICK: dict[str, Any] = {"num_inference_steps": 2, "decoder_steps": 2, "exact": True}
RECORDING = 0.3 * (2 * torch.rand(2, 24000, generator=torch.Generator().manual_seed(3)) - 1)


@pytest.fixture(scope="module")
def pipe(saved_model: Path) -> Mousai:
    found = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    found.set_progress_bar_config(disable=True)
    return found


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
        assert torch.get_num_threads() == count  # an exact call leaves it as it was
    finally:
        torch.set_num_threads(before)


@settings(max_examples=12)
@given(
    mates=st.lists(st.sampled_from(PROMPTS), max_size=2),
    after=st.lists(st.sampled_from(PROMPTS), max_size=1),
    prompt=st.sampled_from(PROMPTS),
    seed=st.integers(2, 2**40),
    samples=st.integers(1, 30000),
    guidance=st.sampled_from([1.0, 3.0]),
    sampler=st.sampled_from(["ddim", "dpmpp_2m_sde"]),
    counts=st.permutations([1, 2]),
)
def test_a_piece_is_the_same_in_any_batch_and_with_any_number_of_threads(
    pipe: Mousai,
    mates: list[str],
    after: list[str],
    prompt: str,
    seed: int,
    samples: int,
    guidance: float,
    sampler: str,
    counts: list[int],
):
    given = {**QUICK, "duration": samples / 48000, "guidance_scale": guidance, "sampler": sampler}
    with threads(counts[0]):
        alone = pipe(prompt, seed=seed, **given).audios
    with threads(counts[1]):
        batch = pipe([*mates, prompt, *after], seed=seed - len(mates), **given).audios
    assert torch.equal(batch[len(mates)], alone[0])


VERBS: dict[str, Callable[..., Any]] = {
    "generate": lambda pipe, prompt, **more: pipe(prompt, duration=0.3, **more),
    "edit": lambda pipe, prompt, **more: pipe(
        prompt, inpaint_audio=RECORDING, inpaint_mask_start_seconds=0.1, inpaint_mask_end_seconds=0.3, **more
    ),
    "extend": lambda pipe, prompt, **more: pipe(prompt, inpaint_audio=RECORDING, duration=0.8, **more),
    "vary": lambda pipe, prompt, **more: pipe(prompt, init_audio=RECORDING, strength=0.5, **more),
    "loop": lambda pipe, prompt, **more: pipe.loop(prompt, tempo=290, bars=1, **more),
    "loop of a recording": lambda pipe, prompt, **more: pipe.loop(prompt, audio=RECORDING, **more),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_exact(pipe: Mousai, verb: str):
    make = VERBS[verb]
    away = ["drums", "drums", "noise"]
    with threads(1):
        alone = make(pipe, PROMPTS[2], seed=7, negative_prompt="noise", attributes=MusicAttributes(tempo=120), **QUICK)
    with threads(2):
        batch = make(pipe, PROMPTS[:3], seed=5, negative_prompt=away, attributes=MusicAttributes(tempo=120), **QUICK)
    assert torch.equal(batch.audios[2:], alone.audios)
    assert not torch.equal(batch.audios[0], batch.audios[1])
    assert batch.seeds == (5, 6, 7) and batch.prompts == PROMPTS[:3]
    assert batch.settings == {**alone.settings, "negative_prompt": away} and batch.settings["exact"] is True
    assert (batch.loop, batch.bits, batch.sample_rate) == (alone.loop, alone.bits, alone.sample_rate)


def test_each_form_of_result_and_starting_noise(pipe: Mousai):
    noise = torch.randn(4, 8, 10, generator=torch.Generator().manual_seed(0))
    given = {**QUICK, "duration": 0.2, "seed": 1, "num_waveforms_per_prompt": 2}
    made = {kind: pipe(list(PROMPTS[:2]), latents=noise, output_type=kind, **given).audios for kind in ("pt", "latent")}
    arrays = pipe(list(PROMPTS[:2]), latents=noise, output_type="np", **given).audios
    assert torch.equal(torch.from_numpy(arrays), made["pt"])
    last = pipe(PROMPTS[1], latents=noise[3:], output_type="latent", **{**QUICK, "duration": 0.2, "seed": 4})
    assert made["latent"].shape == (4, 8, 10) and torch.equal(made["latent"][3:], last.audios)
    with pytest.raises(ValueError, match=r"latents: expected floating-point \[1, 8, 10\], got"):
        pipe(list(PROMPTS[:2]), latents=noise[:3], **given)


def test_calls_of_several_threads_at_once(pipe: Mousai):
    def make(number: int) -> torch.Tensor:
        torch.set_num_threads(1 + number % 2)  # each thread has a number of its own
        return pipe([PROMPTS[0], PROMPTS[number]], duration=0.2, seed=number, **{**QUICK, "exact": number != 3}).audios

    before = torch.get_num_threads()
    alone = [make(number) for number in range(3)]
    found: dict[tuple[int, int], torch.Tensor] = {}
    workers = [
        threading.Thread(target=lambda k=k, n=n: found.update({(k, n): make(n)})) for k in range(2) for n in range(4)
    ]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    torch.set_num_threads(before)
    assert len(found) == 8
    assert all(torch.equal(found[k, n], alone[n]) for k in range(2) for n in range(3))


def test_a_stream_is_exact_whatever_its_chunks(pipe: Mousai, monkeypatch: pytest.MonkeyPatch):
    from mousai.streaming import latents

    for name, seconds in (("FIRST_WINDOW", 1.0), ("NEW", 1.0), ("CONTEXT", 0.5), ("CONTEXT_OF_CHANGE", 0.5)):
        monkeypatch.setattr(latents, name, seconds)
    few = {**QUICK, "num_inference_steps": 1, "decoder_steps": 1, "inpaint_resamples": 1, "seed": 3}

    def sound(count: int, **how: Any) -> torch.Tensor:
        with threads(count):
            stream = pipe.stream("calm piano pop, 240 bpm", **few, **how)
            return torch.cat([chunk.audio for chunk in islice(stream, 6 if how else 2)], dim=-1)

    assert torch.equal(sound(2, chunk_seconds=0.5), sound(1)[:, :144000])


def test_what_a_program_has_set_does_not_matter_and_comes_back(pipe: Mousai):
    given = {**QUICK, "duration": 0.2, "seed": 1}
    expected = pipe(PROMPTS[0], **given).audios
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16), threads(2):
            assert torch.equal(pipe(PROMPTS[0], **given).audios, expected)
            with pytest.raises(RuntimeError, match="no more"):
                pipe(PROMPTS[0], callback_on_step_end=_raise, **given)
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_program_may_use_pytorchs_newer_settings_of_precision(pipe: Mousai):
    conv = torch.backends.mkldnn.conv
    before, conv.fp32_precision = conv.fp32_precision, "bf16"
    try:
        pipe(PROMPTS[0], **{**QUICK, "duration": 0.2, "seed": 1})
        assert conv.fp32_precision == "bf16"
    finally:
        conv.fp32_precision = before


def _raise(*called: object) -> None:
    raise RuntimeError("no more")


def test_a_callback_interrupts_the_piece_that_it_is_called_for(pipe: Mousai):
    steps = []

    def stop(one: Mousai, step: int, t: float, values: dict[str, torch.Tensor]) -> None:
        steps.append(step)
        one._interrupt = step == 1 and len(steps) < 3  # the first piece alone
        assert values["latents"].shape[0] == 1

    given = {**QUICK, "num_inference_steps": 4, "duration": 0.1, "seed": 1, "callback_on_step_end": stop}
    both = pipe(list(PROMPTS[:2]), **given).audios
    assert steps == [0, 1, 0, 1, 2, 3]
    del given["callback_on_step_end"]
    assert torch.equal(both[1:], pipe(PROMPTS[1], **{**given, "seed": 2}).audios)
    assert not torch.equal(both[:1], pipe(PROMPTS[0], **given).audios)


def test_another_thread_ends_the_whole_call(pipe: Mousai):
    steps = []

    def stop(one: Mousai, step: int, t: float, values: dict[str, torch.Tensor]) -> None:
        steps.append(step)
        if len(steps) == 6:  # the second step of the second piece
            other = threading.Thread(target=lambda: setattr(one, "_interrupt", True))
            other.start()
            other.join()
            one._interrupt = False  # of its own piece, which does not undo what another thread wants

    given = {**QUICK, "num_inference_steps": 4, "duration": 0.1, "seed": 1}
    made = pipe(list(PROMPTS[:2]), num_waveforms_per_prompt=2, callback_on_step_end=stop, **given)
    assert steps == [0, 1, 2, 3, 0, 1]
    assert len(made.audios) == 2 and made.seeds == (1, 2) and made.prompts == (PROMPTS[0], PROMPTS[0])
    assert torch.equal(made.audios[:1], pipe(PROMPTS[0], **given).audios)
    assert len(pipe(list(PROMPTS[:2]), **given).audios) == 2  # the next call goes to its end


def test_an_adapter_makes_the_same_weights_with_any_number_of_threads(saved_model: Path, tmp_path: Path):
    write_adapter(tmp_path / "adapter.safetensors", saved_model, value=0.013)
    made = []
    for count in (1, 2):
        with threads(count):
            pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
            pipe.load_lora_weights(tmp_path / "adapter.safetensors", scale=0.7)
        made.append(pipe.latent_diffusion.state_dict())
    assert all(torch.equal(one, made[1][name]) for name, one in made[0].items())


# ---- refusals, and the record


def test_another_dtype_is_refused_and_nothing_is_replaced(pipe: Mousai):
    pipe = copy.deepcopy(pipe).to("bfloat16")
    line = "exact: is promised in float32 alone, not in bfloat16; load the model with that dtype"
    assert refused(pipe, PROMPTS[0], **QUICK) == line
    assert refused(pipe.loop, PROMPTS[0], tempo=120, **QUICK) == line
    assert refused(pipe.stream, PROMPTS[0], exact=True) == line
    assert pipe.dtype == torch.bfloat16


def test_compiled_nets_and_other_devices_are_refused(pipe: Mousai):
    pipe = copy.deepcopy(pipe)
    pipe.latent_diffusion.net._compiled_call_impl = pipe.latent_diffusion.net.forward  # as torch.compile leaves it
    assert "exact: is not promised of compiled nets" in refused(pipe, PROMPTS[0], **QUICK)
    line = refused(check_exact, device="cuda:1", dtype="float32", compiled=False)
    assert line == "exact: is promised on the CPU alone, not on cuda; load the model with device cpu"


@pytest.mark.parametrize("value", [1, "True", [True]])
def test_what_is_neither_yes_nor_no(pipe: Mousai, value: Any):
    assert "must be True or False" in refused(SamplingConfig, exact=value)
    assert "must be True or False" in refused(pipe, PROMPTS[0], exact=value)


def test_a_text_says_yes_or_no():
    assert SamplingConfig().changed(["exact=True"]).exact
    assert not SamplingConfig(exact=True).changed(["exact=False"]).exact
    assert refused(SamplingConfig().changed, ["exact=yes"]) == "exact='yes': must be True or False"


def test_it_is_recorded_where_it_is_asked_for_or_usual(pipe: Mousai):
    few = {**QUICK, "duration": 0.05, "seed": 1}
    assert "exact" not in pipe(PROMPTS[0], **{**few, "exact": False}).settings
    usual = copy.copy(pipe)
    usual.defaults = replace(pipe.defaults, exact=True)
    assert usual(PROMPTS[0], duration=0.05, seed=1).settings["exact"] is True
    assert usual(PROMPTS[0], **{**few, "exact": False}).settings["exact"] is False
