"""A stranger's model folder costs neither memory nor time, and one line says what is wrong with it."""

import json
import os
import resource
import struct
import time
from collections.abc import Iterator

import pytest

from mousai import Mousai, UserError
from mousai.conditioning.text import T5TextEncoder

LATENT, AUTO, TEXT = "latent_diffusion/config.json", "autoencoder/config.json", "text_encoder/config.json"
BIG = 2**63
CHANGES = [
    (LATENT, ("net", "levels", 0, "num_blocks"), 10**6),
    (LATENT, ("net", "levels", 0, "channels"), BIG),
    (LATENT, ("net", "levels", 0, "channels"), 2**20),
    (LATENT, ("net", "levels", 0, "factor"), 10**400),
    (LATENT, ("net", "attention_heads"), 10**6),
    (LATENT, ("net", "attention_head_features"), BIG),
    (LATENT, ("net", "context_features"), 10**6),
    (LATENT, ("net", "fourier_features"), 2**40),
    (LATENT, ("net", "kernel_size"), 10**6 + 1),
    (LATENT, ("net", "feed_forward_factor"), 1e300),
    (LATENT, ("net", "modulation_features"), -1),
    (LATENT, ("net", "levels"), [{"channels": 16}] * 5000),
    (LATENT, ("max_tokens",), BIG),
    (LATENT, ("max_tokens",), 10**6),
    (LATENT, ("latent_std",), 1e300),
    (LATENT, ("frame_rate",), 1e300),
    (AUTO, ("sample_rate",), BIG),
    (AUTO, ("audio_channels",), 10**6),
    (AUTO, ("latent_channels",), 10**6),
    (AUTO, ("transform_size",), 2**20),
    (AUTO, ("spectrogram", "n_fft"), 2**30),
    (AUTO, ("spectrogram", "bands"), 10**6),
    (AUTO, ("spectrogram", "hop_length"), 0),
    (AUTO, ("encoder", "width"), BIG),
    (AUTO, ("encoder", "blocks"), [10**6]),
    (AUTO, ("encoder", "factors"), [BIG]),
    (AUTO, ("prior", "blocks"), 10**6),
    (AUTO, ("prior", "width"), 2**20),
    (TEXT, ("num_heads",), 10**6),
    (TEXT, ("d_model",), BIG),
    (TEXT, ("d_kv",), 2**14),
    (TEXT, ("num_layers",), 10**6),
    (TEXT, ("vocab_size",), 2**20),
    (TEXT, ("relative_attention_max_distance",), 0),
    (TEXT, ("relative_attention_num_buckets",), 1),
    (TEXT, ("return_dict",), False),
    (TEXT, ("vocab_file",), "/etc/passwd"),
    (TEXT, ("auto_map",), {"AutoConfig": "x.Y"}),
    (TEXT, ("feed_forward_proj",), "__import__"),
    (TEXT, ("layer_norm_epsilon",), "1"),
]


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Two gigabytes more than there are now: a config that fills the memory fails here and not the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def change(path, keys, value):
    found = json.loads(path.read_text())
    at = found
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    path.write_text(json.dumps(found))


def refused(folder) -> str:
    before = time.process_time()
    with pytest.raises(UserError) as caught:
        Mousai.from_pretrained(folder, device="cpu", dtype="float32")
    assert time.process_time() - before < 5
    assert len(str(caught.value)) < 1200
    return str(caught.value)


@pytest.mark.parametrize(("file", "keys", "value"), CHANGES, ids=[f"{c[1][-1]}-{k}" for k, c in enumerate(CHANGES)])
def test_an_impossible_size_is_one_line_and_costs_nothing(model_copy, little_memory, file, keys, value):
    change(model_copy / file, keys, value)
    assert str(model_copy / file.partition("/")[0]) in refused(model_copy)


def header_of(path) -> tuple[bytes, bytes]:
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return data[8 : 8 + size], data[8 + size :]


def rewrite(path, header: bytes, rest: bytes, size: int | None = None) -> None:
    path.write_bytes(struct.pack("<Q", len(header) if size is None else size) + header + rest)


def test_headers_that_lie(model_copy):
    path = model_copy / "autoencoder" / "model.safetensors"
    header, rest = header_of(path)
    key = next(iter(json.loads(header)))
    twice = header.rstrip()[:-1] + b"," + json.dumps({key: json.loads(header)[key]}).encode()[1:-1] + b"}"
    for begin, size, why in (
        (header, 2**63, "longer than it"),
        (header, len(header) + len(rest) + 1, "longer than it"),
        (b"[" * 100_000, None, "64 deep"),
        (b"[]", None, "no object"),
        (twice, None, "stands twice"),
        (b'{"a": {"dtype": "F32", "shape": [' + b"9" * 400 + b'], "data_offsets": [0, 4]}}', None, "400 digits"),
        (
            b'{"a": {"dtype": "F32", "shape": [9999999999, 9999999999], "data_offsets": [0, 4]}}',
            None,
            "impossible shape",
        ),
        (b'{"a": 1}', None, "no shape"),
        (b" " * (17 * 2**20), None, "has a header of"),
    ):
        rewrite(path, begin, rest, size)
        assert why in refused(model_copy)


@pytest.mark.parametrize(
    "name", ["model_index.json", AUTO, "tokenizer/tokenizer.json", "latent_diffusion/model.safetensors"]
)
def test_a_pipe_or_a_device_in_a_model_folder_neither_hangs_nor_fills_the_memory(model_copy, name):
    (model_copy / name).unlink()
    os.mkfifo(model_copy / name)
    assert (model_copy / name).name in refused(model_copy)
    (model_copy / name).unlink()
    (model_copy / name).symlink_to("/dev/zero")
    assert (model_copy / name).name in refused(model_copy)


def test_a_key_that_stands_twice_in_a_config(model_copy):
    path = model_copy / LATENT
    path.write_text('{"latent_std": 2.0, ' + path.read_text().lstrip()[1:])
    assert "the key 'latent_std' stands twice" in refused(model_copy)


@pytest.mark.parametrize("more", [{"auto_map": {"AutoTokenizer": ["x.Y", None]}}, {"vocab_file": "/etc/passwd"}])
def test_a_tokenizer_that_names_code_or_files_is_refused(model_copy, more):
    path = model_copy / "tokenizer" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    assert "names code or files of its own" in refused(model_copy)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_text_encoder_that_names_code_is_refused_unread(model_copy, monkeypatch, name):
    import transformers

    folder = model_copy / "hub"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "t5"}')
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    (folder / name).write_text(
        '{"model_type": "t5", "auto_map": {"AutoConfig": "evil.X", "AutoTokenizer": ["evil.X", null]}}'
    )
    for kind in (transformers.AutoTokenizer, transformers.T5EncoderModel):
        monkeypatch.setattr(kind, "from_pretrained", lambda *_, **__: pytest.fail("transformers was asked"))
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody was asked"))
    with pytest.raises(UserError, match=r"names code of its own \(auto_map\)"):
        T5TextEncoder.from_hub(str(folder))


def test_an_empty_name_is_not_the_current_folder(model_copy, monkeypatch):
    monkeypatch.chdir(model_copy)
    with pytest.raises(UserError, match="is empty"):
        Mousai.from_pretrained("")
