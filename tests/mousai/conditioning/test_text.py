import copy
import json
import shutil
import threading
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from mousai.conditioning.text import MAX_TOKENS, T5TextEncoder, load_tokenizer
from tests.mousai.refusing import refused


@pytest.fixture(scope="module")
def encoder(saved_model: Path) -> T5TextEncoder:
    return T5TextEncoder.load(saved_model)


def embed(encoder: T5TextEncoder, *prompts: str) -> torch.Tensor:
    with torch.no_grad():
        return encoder(prompts).hidden


# ---- the embedding


def test_shapes_and_mask(encoder: T5TextEncoder):
    found = encoder(["calm piano pop, 100 bpm", "", "metal"])
    assert found.hidden.shape == (3, MAX_TOKENS, encoder.features) == (3, 64, 32)
    assert found.mask.shape == (3, MAX_TOKENS) and found.mask.dtype == torch.bool
    counts = [len(encoder.tokenizer(prompt)["input_ids"]) for prompt in ("calm piano pop, 100 bpm", "", "metal")]
    assert found.mask.sum(dim=1).tolist() == counts and counts[1] == 1  # the token that ends every prompt
    assert bool((found.mask.int().diff(dim=1) <= 0).all())  # tokens first, padding after them
    assert bool((found.hidden[~found.mask] == 0).all())
    assert bool((found.hidden[found.mask].abs().amax(dim=-1) > 0).all())


def test_a_prompt_does_not_depend_on_its_batch_mates(encoder: T5TextEncoder):
    alone = embed(encoder, "metal")
    assert torch.allclose(embed(encoder, "metal", "a much longer prompt " * 20)[:1], alone, atol=1e-5)
    assert not torch.allclose(embed(encoder, "jazz"), alone, atol=1e-3)


def test_padding_cannot_change_the_embedding(encoder: T5TextEncoder):
    tokens = encoder.tokenizer(["slow jazz"], padding="max_length", max_length=MAX_TOKENS, return_tensors="pt")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    other = torch.where(mask.bool(), ids, 7)
    assert not torch.equal(ids, other)
    with torch.no_grad():
        a, b = (encoder.model(input_ids=x, attention_mask=mask).last_hidden_state for x in (ids, other))
    assert torch.equal(a[mask.bool()], b[mask.bool()])


def test_repeated_keeps_prompts_together(encoder: T5TextEncoder):
    found = encoder(["metal", "jazz"]).repeated(3)
    assert found.hidden.shape[0] == 6
    for row in range(6):
        assert torch.equal(found.hidden[row], found.hidden[row // 3 * 3])
        assert torch.equal(found.mask[row], found.mask[row // 3 * 3])
    assert not torch.equal(found.hidden[0], found.hidden[3])


# ---- the small encoder's tokenizer


def test_numbers_are_split_into_digits(encoder: T5TextEncoder):
    for number in ("100", "72", "8912"):
        assert encoder.tokenizer.tokenize(f"{number} bpm")[: len(number)] == list(number)


def test_case_and_accents_do_not_matter(encoder: T5TextEncoder):
    assert torch.equal(embed(encoder, "Métal, JAZZ"), embed(encoder, "metal, jazz"))


@given(prompt=st.text(max_size=300))
def test_any_text_is_embedded(encoder: T5TextEncoder, prompt: str):
    found = encoder([prompt])
    assert found.hidden.shape == (1, MAX_TOKENS, 32) and bool(found.hidden.isfinite().all())
    assert 1 <= int(found.mask.sum()) <= MAX_TOKENS


# ---- long prompts


def test_what_is_cut_off_is_named_in_the_users_own_words(encoder: T5TextEncoder, capfd: pytest.CaptureFixture[str]):
    words = ["piano", "metal", "Jazz", "bass"] * 20
    assert encoder.cut("a short prompt") is None
    exactly = " ".join(words[: MAX_TOKENS - 1])  # words that are tokens, and the end
    assert len(encoder.tokenizer(exactly)["input_ids"]) == MAX_TOKENS
    assert encoder.cut(exactly) is None
    assert encoder.cut(f"{exactly} ÉLAN") == "ÉLAN"
    assert encoder.cut(" ".join(words)) == " ".join(words[MAX_TOKENS - 1 :])
    assert capfd.readouterr().err == ""  # it is ours to say


def test_what_is_cut_off_has_no_effect_and_the_rest_has(encoder: T5TextEncoder):
    words = ["piano"] * (MAX_TOKENS - 1)
    seen = embed(encoder, " ".join(words))
    assert torch.equal(embed(encoder, " ".join([*words, "metal", "jazz"])), seen)
    assert not torch.allclose(embed(encoder, " ".join([*words[:-1], "metal"])), seen, atol=1e-3)


# ---- copies, saving and loading


def test_copies_compute_with_their_own_weights(encoder: T5TextEncoder):
    original = copy.deepcopy(encoder)
    before = embed(original, "metal")
    by_state = T5TextEncoder.small(features=32, layers=1, tokenizer=original.tokenizer)
    assert not torch.allclose(embed(by_state, "metal"), before, atol=1e-3)
    by_state.load_state_dict(original.state_dict())
    copies = [copy.deepcopy(original), by_state.eval()]
    with torch.no_grad():
        for parameter in original.parameters():
            parameter.zero_()
    assert not torch.allclose(embed(original, "metal"), before, atol=1e-3)
    for made in copies:
        assert torch.equal(embed(made, "metal"), before)


def test_saving_and_loading(encoder: T5TextEncoder, tmp_path: Path):
    encoder.save(tmp_path)
    again = T5TextEncoder.load(tmp_path)
    assert not again.training and again.features == 32
    prompts = ("calm piano pop, 100 bpm", "", "metal " * 90)
    assert torch.equal(embed(again, *prompts), embed(encoder, *prompts))
    assert again.cut("metal " * 90) == encoder.cut("metal " * 90)


def test_tied_weights_stay_tied(encoder: T5TextEncoder, tmp_path: Path):
    encoder.save(tmp_path)
    model = T5TextEncoder.load(tmp_path).model
    assert model.shared.weight is model.encoder.embed_tokens.weight
    assert len(load_file(tmp_path / "text_encoder" / "model.safetensors")) < len(model.state_dict())


def test_all_of_a_trained_encoder_gets_gradients(captions: list[str]):
    encoder = T5TextEncoder.small(captions, features=32, layers=1)
    encoder(["calm piano pop", "metal"]).hidden.square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_incomplete_folders_are_named(model_copy: Path):
    def load() -> str:
        return refused(T5TextEncoder.load, model_copy)

    config = model_copy / "text_encoder" / "config.json"
    values = json.loads(config.read_text())
    config.write_text(json.dumps({**values, "model_type": "bert"}))
    assert "config.json" in load() and "'bert'" in load()
    config.write_text(json.dumps({name: value for name, value in values.items() if name != "d_ff"}))
    assert load() == f"{config}: key 'd_ff' is missing"
    config.write_text(json.dumps(values))
    (model_copy / "tokenizer" / "tokenizer_config.json").unlink()
    assert "tokenizer_config.json" in load()
    (model_copy / "tokenizer" / "tokenizer.json").write_text("{}")
    assert "tokenizer.json: cannot be read" in load()
    (model_copy / "tokenizer" / "tokenizer.json").unlink()
    assert "tokenizer.json: does not exist" in load()
    assert "tokenizer.json" in refused(load_tokenizer, model_copy / "nowhere")


@pytest.mark.parametrize("change", [{"num_heads": 0}, {"d_model": "wide"}, {"num_layers": -1}, {"d_kv": None}])
def test_an_impossible_text_encoder_is_named(model_copy: Path, change: dict):
    config = model_copy / "text_encoder" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    assert str(model_copy / "text_encoder") in refused(T5TextEncoder.load, model_copy)


# ---- encoders of the hub


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory: pytest.TempPathFactory, encoder: T5TextEncoder) -> Path:
    """A T5 in the layout of the hub, made by transformers alone."""
    from transformers import T5Config, T5EncoderModel

    folder = tmp_path_factory.mktemp("hub") / "t5"
    config = T5Config(
        vocab_size=len(encoder.tokenizer), d_model=48, d_kv=8, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0.1
    )
    T5EncoderModel(config).save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def test_a_t5_of_the_hub(hub_folder: Path, tmp_path: Path):
    found = T5TextEncoder.from_hub(str(hub_folder))
    assert found.features == 48 and not found.training
    assert found(["calm piano pop"]).hidden.shape == (1, MAX_TOKENS, 48)
    assert torch.equal(embed(found, "metal"), embed(found, "metal"))  # no dropout
    weights = load_file(hub_folder / "model.safetensors")
    assert torch.equal(found.model.state_dict()["shared.weight"], weights["shared.weight"])
    found.save(tmp_path)
    assert torch.equal(embed(T5TextEncoder.load(tmp_path), "metal"), embed(found, "metal"))


def test_a_t5_of_the_hub_that_lacks_something(hub_folder: Path, tmp_path: Path):
    for name in ("tokens", "weights"):
        shutil.copytree(hub_folder, tmp_path / name)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "tokens" / name).unlink()
    assert "has no tokenizer.json, which a text encoder is read with" in refused(
        T5TextEncoder.from_hub, str(tmp_path / "tokens")
    )
    weights = load_file(hub_folder / "model.safetensors")
    lost = "encoder.final_layer_norm.weight"
    save_file(
        {key: tensor for key, tensor in weights.items() if key != lost},
        tmp_path / "weights" / "model.safetensors",
        metadata={"format": "pt"},
    )
    assert f"lacks {lost}; is it a T5 model?" in refused(T5TextEncoder.from_hub, str(tmp_path / "weights"))


@pytest.mark.parametrize("token", [3, "", "x" * 101, {"content": None}, ["</s>"]])
def test_a_special_token_that_is_no_short_text(model_copy: Path, token: object):
    path = model_copy / "tokenizer" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token": token}))
    assert "tokenizer_config.json: eos_token must be a short text, not " in refused(
        load_tokenizer, model_copy / "tokenizer"
    )


def test_a_hub_model_that_is_not_there(tmp_path: Path):
    line = refused(T5TextEncoder.from_hub, str(tmp_path / "nowhere"), revision="ab" * 20)
    assert line.startswith("model_id=") and "nowhere': no such folder, and no id of the hub, OWNER/NAME" in line
    (tmp_path / "empty").mkdir()
    line = refused(T5TextEncoder.from_hub, str(tmp_path / "empty"), field="text")
    assert line.startswith("text=") and "empty': no text encoder: " in line


def test_a_hub_model_with_a_hole(hub_folder: Path, tmp_path: Path):
    for file in hub_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(hub_folder / "model.safetensors")
    key = "encoder.block.1.layer.0.SelfAttention.q.weight"
    del weights[key]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert key in refused(T5TextEncoder.from_hub, str(tmp_path))


def test_a_hub_model_without_the_file_of_its_tokenizer(hub_folder: Path, tmp_path: Path):
    for file in hub_folder.iterdir():
        if file.name != "tokenizer.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    line = refused(T5TextEncoder.from_hub, str(tmp_path))
    assert "tokenizer" in line and line.startswith("model_id=")


def test_a_pickle_of_the_hub_is_never_loaded(hub_folder: Path, tmp_path: Path):
    for file in hub_folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save(load_file(hub_folder / "model.safetensors"), tmp_path / "pytorch_model.bin")
    assert "safetensors" in refused(T5TextEncoder.from_hub, str(tmp_path))


def test_two_threads_do_not_take_the_padding_from_each_other(encoder: T5TextEncoder):
    """One thread asks for words that are not read, as an update of a stream does, while the other embeds."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            encoder.cut("calm piano pop")
            encoder.unknown("calm piano pop")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with torch.no_grad():
            lengths = {encoder(["calm piano pop"]).hidden.shape[1] for _ in range(200)}
    finally:
        done.set()
        asking.join()
    assert lengths == {MAX_TOKENS}
