"""Our T5 encoder against transformers', to the last bit."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from mousai.conditioning.t5 import ACTIVATIONS, T5Encoder, T5EncoderConfig, distance_buckets
from mousai.conditioning.t5_files import t5_config
from mousai.conditioning.text import T5TextEncoder
from mousai.storage.configs import CheckpointError, load_config
from mousai.storage.folders import BUNDLED


def pair(*, seed: int = 0, **sizes: int | float | str) -> tuple[nn.Module, T5Encoder]:
    """An encoder of transformers and one of ours, of the same weights."""
    from transformers import T5Config, T5EncoderModel

    known = {"vocab_size": 50, "d_model": 24, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 3, **sizes}
    torch.manual_seed(seed)
    theirs = T5EncoderModel(T5Config(**known, is_encoder_decoder=False, use_cache=False)).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.mul_(1 + torch.rand_like(parameter))  # norms of one would hide what they multiply
    ours = T5Encoder(T5EncoderConfig(**known)).eval()  # type: ignore[arg-type]
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def both(theirs: nn.Module, ours: T5Encoder, ids: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    found = []
    for model in (theirs, ours):
        torch.manual_seed(7)  # of dropout
        found.append(model(input_ids=ids, attention_mask=mask).last_hidden_state)
    return found[0], found[1]


def masks(batch: int, tokens: int, seed: int) -> list[Tensor | None]:
    """None, all, prompts of different lengths padded behind, holes, and nothing at all."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, tokens + 1, (batch, 1), generator=generator)
    holes = torch.rand(batch, tokens, generator=generator) < 0.5
    whole = torch.ones(batch, tokens, dtype=torch.bool)
    return [None, whole, torch.arange(tokens)[None] < lengths, holes.long(), ~whole]


@pytest.mark.parametrize("projection", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_equal_to_the_last_bit(projection: str, dtype: torch.dtype):
    theirs, ours = pair(feed_forward_proj=projection)
    theirs.to(dtype), ours.to(dtype)
    for batch, tokens in ((1, 1), (1, 64), (3, 33), (2, 150)):
        ids = torch.randint(50, (batch, tokens), generator=torch.Generator().manual_seed(tokens))
        for mask in masks(batch, tokens, seed=tokens):
            with torch.no_grad():
                expected, found = both(theirs, ours, ids, mask)
            assert found.dtype == dtype and bool(found.isfinite().all())
            assert torch.equal(found, expected)


@settings(deadline=None, max_examples=25)
@given(
    heads=st.integers(1, 5),
    d_kv=st.integers(1, 40),
    d_model=st.integers(1, 70),
    d_ff=st.integers(1, 70),
    buckets=st.integers(4, 40),
    further=st.integers(1, 200),
    seed=st.integers(0, 1000),
    projection=st.sampled_from(list(ACTIVATIONS)),
)
def test_odd_sizes(heads, d_kv, d_model, d_ff, buckets, further, seed, projection):
    theirs, ours = pair(
        seed=seed,
        num_heads=heads,
        d_kv=d_kv,
        d_model=d_model,
        d_ff=d_ff,
        feed_forward_proj=projection,
        relative_attention_num_buckets=buckets,
        relative_attention_max_distance=buckets // 4 + further,
    )
    ids = torch.randint(50, (2, 40), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        assert torch.equal(*both(theirs, ours, ids, masks(2, 40, seed)[2]))


@pytest.mark.parametrize("projection", ["relu", "gated-gelu"])
def test_training_with_dropout_has_the_same_gradients(projection: str):
    theirs, ours = pair(feed_forward_proj=projection, dropout_rate=0.2)
    theirs.train(), ours.train()
    ids = torch.randint(50, (3, 20), generator=torch.Generator().manual_seed(1))
    for mask in masks(3, 20, seed=1):
        expected, found = both(theirs, ours, ids, mask)
        assert torch.equal(found, expected)
        for model, hidden in ((theirs, expected), (ours, found)):
            model.zero_grad()
            hidden.square().sum().backward()
        for name, parameter in ours.named_parameters():
            wanted = theirs.get_parameter(name).grad
            assert parameter.grad is not None and torch.equal(parameter.grad, wanted), name


def test_under_autocast():
    theirs, ours = pair(feed_forward_proj="gated-gelu")
    ids = torch.arange(20)[None]
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(*both(theirs, ours, ids, masks(1, 20, 3)[2]))


def test_numbers_beyond_float16_stay_finite():
    theirs, ours = pair(num_layers=1)
    for model in (theirs, ours):
        with torch.no_grad():
            model.get_parameter("encoder.block.0.layer.1.DenseReluDense.wo.weight").mul_(2e4)
        model.to(torch.float16)
    with torch.no_grad():
        expected, found = both(theirs, ours, torch.arange(20)[None], None)
    assert torch.equal(found, expected) and bool(found.isfinite().all())


def test_the_bundled_encoder():
    from transformers import T5Config, T5EncoderModel

    path = BUNDLED / "text_encoder"
    theirs = T5EncoderModel(T5Config(**load_config(path))).eval()
    theirs.load_state_dict(load_file(path / "model.safetensors"), strict=False)
    text = T5TextEncoder.load(BUNDLED)
    assert type(text.model) is T5Encoder and text.model.state_dict().keys() == theirs.state_dict().keys()
    prompts = ["calm piano pop, 100 bpm, in C minor", "", "metal " * 90]
    with torch.no_grad():
        found = text(prompts)
        tokens = text.tokenizer(prompts, padding="max_length", truncation=True, max_length=64, return_tensors="pt")
        mask = tokens["attention_mask"].bool()
        expected = theirs(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
    assert torch.equal(found.hidden, expected * mask[..., None]) and torch.equal(found.mask, mask)


def test_what_is_written_is_read_by_transformers_and_by_us(tmp_path: Path):
    from transformers import T5EncoderModel

    text = T5TextEncoder.load(BUNDLED)
    text.save(tmp_path)
    theirs = T5EncoderModel.from_pretrained(tmp_path / "text_encoder").eval()
    ids = torch.arange(64)[None]
    assert torch.equal(*both(theirs, text.model, ids, None))  # type: ignore[arg-type]
    path = tmp_path / "text_encoder" / "config.json"
    assert t5_config(load_config(path), path) == text.model.config
    # What transformers itself would write is read as the same config.
    assert t5_config(theirs.config.to_diff_dict(), path) == text.model.config


def test_distances_that_their_buckets_cannot_tell_apart():
    """32 buckets hold the distances up to 7 alone; the larger ones must end beyond that."""
    values = {**load_config(BUNDLED / "text_encoder"), "relative_attention_num_buckets": 32}
    path = Path("config.json")
    assert t5_config({**values, "relative_attention_max_distance": 9}, path).relative_attention_max_distance == 9
    with pytest.raises(CheckpointError, match=r"config\.json: relative_attention_max_distance must be above 8"):
        t5_config({**values, "relative_attention_max_distance": 8}, path)


# ---- buckets of distances


def test_buckets_by_hand():
    """32 buckets up to 128, the paper's: -7 to 7 alone; 8, 11.3, 16, 22.6, 32, ... begin the larger ones."""
    distance = torch.tensor([0, -1, -7, -8, -11, -12, -16, -23, -32, -127, -128, -5000, 1, 7, 8, 12, 128])
    assert distance_buckets(distance, 32, 128).tolist() == [
        *(0, 1, 7, 8, 8, 9, 10, 11, 12, 15, 15, 15),
        *(17, 23, 24, 25, 31),
    ]


@given(buckets=st.integers(2, 20).map(lambda half: 2 * half), most=st.integers(20, 500))
def test_buckets_grow_with_the_distance_and_are_mirrored(buckets: int, most: int):
    away = torch.arange(2 * most)
    left, right = distance_buckets(-away, buckets, most), distance_buckets(away, buckets, most)
    assert bool((left.diff() >= 0).all()) and int(left[0]) == 0 and int(left[-1]) == buckets // 2 - 1
    assert torch.equal(right[1:], left[1:] + buckets // 2) and int(right[0]) == 0
    single = buckets // 4
    assert left[:single].tolist() == list(range(single))
    place = most // 2
    if place >= single:
        grown = single + int(math.log(place / single) / math.log(most / single) * (buckets // 2 - single))
        assert abs(int(left[place]) - min(grown, buckets // 2 - 1)) <= 1  # float32 against float64
