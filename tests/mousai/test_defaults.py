"""What a program has set elsewhere, and numbers of NumPy, change nothing."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from dmae import DMAE, DMAEConfig
from mousai.codec import Codec
from mousai.errors import UserError
from mousai.pipeline import Mousai
from mousai.storage.weights import load_config, load_state
from vdiffusion import NoiseSource

QUICK = {"duration": 0.1, "num_inference_steps": 1, "decoder_steps": 1, "seed": 3}


@pytest.fixture(scope="module")
def pipeline(saved_model) -> Mousai:
    pipe = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(params=[torch.float64, torch.bfloat16, "meta"], ids=str)
def elsewhere(request: pytest.FixtureRequest) -> Iterator[object]:
    """Defaults of PyTorch that a program has changed."""

    def change() -> None:
        if request.param == "meta":
            torch.set_default_device("meta")
        else:
            torch.set_default_dtype(request.param)

    yield change
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


def test_defaults_of_a_program_change_nothing(pipeline: Mousai, saved_model, elsewhere):
    music = pipeline("calm", **QUICK).audios
    latent = pipeline.encode(music)
    sound = pipeline.decode(latent)
    noise = NoiseSource(1, [0]).draw([2, 8], stage="a")
    elsewhere()
    before = torch.get_default_dtype(), torch.get_default_device()
    assert torch.equal(pipeline("calm", **QUICK).audios, music)
    assert torch.equal(pipeline.encode(music), latent) and torch.equal(pipeline.decode(latent), sound)
    assert torch.equal(NoiseSource(1, [0]).draw([2, 8], stage="a", device="cpu"), noise)
    loaded = Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")
    loaded.set_progress_bar_config(disable=True)
    assert torch.equal(loaded("calm", **QUICK).audios, music)
    assert (torch.get_default_dtype(), torch.get_default_device()) == before


def test_a_model_that_is_built_without_memory_is_whole_when_loaded(pipeline: Mousai, saved_model):
    folder = saved_model / "autoencoder"
    with torch.device("meta"):
        model = DMAE(DMAEConfig.from_dict(load_config(folder)))
    load_state(folder, model)
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])
    latent = torch.zeros(1, 8, 4)
    codec = Codec(model.eval(), defaults=pipeline.defaults)
    assert torch.equal(codec.decode(latent), pipeline.decode(latent))


def test_numbers_of_numpy_are_numbers(pipeline: Mousai):
    music = pipeline("calm", **QUICK).audios
    given = {"duration": np.float64(0.1), "num_waveforms_per_prompt": np.int64(1)}
    given |= {name: np.int64(QUICK[name]) for name in ("num_inference_steps", "decoder_steps", "seed")}
    assert torch.equal(pipeline("calm", **given).audios, music)
    latent = pipeline.encode(music)
    assert pipeline.decode(latent, length=np.int64(1000), seed=np.int64(0)).shape == (1, 2, 1000)


def test_generators_in_a_list(pipeline: Mousai):
    drawn = [torch.Generator().manual_seed(1) for _ in range(2)]
    made = pipeline(["calm", "calm"], generator=drawn, **{name: QUICK[name] for name in QUICK if name != "seed"})
    torch.testing.assert_close(made.audios[0], made.audios[1], atol=1e-4, rtol=1e-3)  # rounding within a batch


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True])
def test_a_seed_that_is_none_is_refused_by_the_codec_too(pipeline: Mousai, seed: object):
    with pytest.raises(UserError, match=f"seed={seed}"):
        pipeline.decode(torch.zeros(1, 8, 4), seed=seed)
