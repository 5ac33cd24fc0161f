"""Files of a T5 encoder and of its tokenizer, which may be a stranger's: known fields, bounded values, no code."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tokenizers

from mousai.conditioning.t5 import ACTIVATIONS, T5EncoderConfig
from mousai.conditioning.tokenizer import SPECIAL, TOKENIZER, TOKENIZER_CONFIG, Tokenizer
from mousai.errors import UserError
from mousai.storage.configs import CheckpointError
from mousai.storage.json_files import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LARGEST_TOKENIZER = 64 * 2**20


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "vocab_size": (_whole(1, 2**20), "1 to 2^20"),
    "d_model": (_whole(1, 2**16), "1 to 65536"),
    "d_kv": (_whole(1, 2**14), "1 to 16384"),
    "d_ff": (_whole(1, 2**18), "1 to 262144"),
    "num_layers": (_whole(1, 256), "1 to 256"),
    "num_heads": (_whole(1, 1024), "1 to 1024"),
    "relative_attention_num_buckets": (_whole(4, 4096), "4 to 4096"),
    "relative_attention_max_distance": (_whole(2, 2**20), "2 to 2^20"),
    "dropout_rate": (_number(0, 1), "0 to 1"),
    "layer_norm_epsilon": (_number(1e-12, 1), "1e-12 to 1"),
    "initializer_factor": (_number(0, 1000), "0 to 1000"),
    "feed_forward_proj": (lambda value: value in tuple(ACTIVATIONS), f"one of {', '.join(ACTIVATIONS)}"),
    "pad_token_id": (_whole(0, 2**20), "0 to 2^20"),
    "eos_token_id": (_whole(0, 2**20), "0 to 2^20"),
}
"""Fields of the config that count, and what they may be."""
_SIDES = ("left", "right")
_NO_LENGTH = 1e20
"""What transformers writes for a length without bound, or more."""
_FRACTIONS = ("dropout_rate", "layer_norm_epsilon", "initializer_factor")
_SIZES = ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads")
_OF_OTHERS = {
    *("model_type", "transformers_version", "architectures", "dtype", "torch_dtype", "_name_or_path"),
    *("is_encoder_decoder", "use_cache", "is_decoder", "num_decoder_layers", "tie_word_embeddings", "dense_act_fn"),
    *("is_gated_act", "classifier_dropout", "scale_decoder_outputs", "decoder_start_token_id", "bos_token_id"),
    *("output_past", "n_positions", "task_specific_params"),
}
"""Fields that transformers writes and that say nothing of an encoder; they are not handed on."""


def t5_config(values: Mapping[str, Any], path: Path) -> T5EncoderConfig:
    """The config of a T5 encoder.

    Args:
        values: what the file holds.
        path: the file, for errors.

    Raises:
        CheckpointError: it is of another model, a field is unknown or missing, or a value impossible.
    """
    if values.get("model_type") != "t5":
        raise CheckpointError(path, hint=f"model_type is {values.get('model_type')!r}, not 't5'")
    if unknown := sorted(set(values) - set(_FIELDS) - _OF_OTHERS):
        raise CheckpointError(path, hint=f"unknown key {unknown[0]!r}, which no T5 encoder has")
    if missing := [name for name in _SIZES if name not in values]:
        raise CheckpointError(path, hint=f"key {missing[0]!r} is missing")
    known: dict[str, Any] = {name: value for name, value in values.items() if name in _FIELDS}
    for name, value in known.items():
        check, allowed = _FIELDS[name]
        if not check(value):
            raise CheckpointError(path, hint=f"{name} must be {allowed}, not {str(value)[:40]!r}")
    buckets = known.get("relative_attention_num_buckets", 32)
    if known.get("relative_attention_max_distance", 128) <= buckets // 4:
        raise CheckpointError(path, hint=f"relative_attention_max_distance must be above {buckets // 4}")
    # transformers, which may read the config again, takes no 1 for 1.0.
    known |= {name: float(known[name]) for name in _FRACTIONS if name in known}
    return T5EncoderConfig(**known)


def hub_config(folder: Path) -> T5EncoderConfig:
    """The config of a T5 model in the hub's layout, whose other fields are not handed on.

    Raises:
        UserError: a file of the folder is no JSON of a regular size, or names code or files that are not the folder's;
            nothing else is read.
    """
    found = {path.name: read_json(path, most=_LARGEST_TOKENIZER) for path in sorted(folder.glob("*.json"))}
    for name, values in found.items():
        if strange := _strange(name, values):
            raise UserError(folder / name, hint=f"{strange}; give a plain T5 model, such as google-t5/t5-base")
    if "config.json" not in found:
        raise UserError(folder / "config.json", hint="does not exist")
    known = {name: value for name, value in found["config.json"].items() if name in _FIELDS or name in _OF_OTHERS}
    return t5_config(known, folder / "config.json")


def _strange(name: str, values: Mapping[str, Any]) -> str | None:
    """What of a JSON file would have transformers run code, or read a file that is not in the folder."""
    if "auto_map" in values:
        return "names code of its own (auto_map), which is never run"
    if name == "adapter_config.json":
        return "is an adapter, of which transformers would load another model too"
    if elsewhere := next((key for key in ("vocab_file", "merges_file", "tokenizer_file") if values.get(key)), None):
        return f"names a file of its own ({elsewhere}), which is never read"
    if "weight_map" in values:
        places = values["weight_map"]
        names = list(places.values()) if isinstance(places, dict) else [None]
        if not all(isinstance(one, str) and re.fullmatch(r"[\w.-]+\.safetensors", one) for one in names):
            return "is no index of weights: it names a file outside of the folder, or no safetensors"
    return None


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read a tokenizer folder; `UserError` names it where it is not one.

    Of `tokenizer_config.json` only the special tokens, the length and the sides are taken.
    """
    path, config = folder / TOKENIZER, folder / TOKENIZER_CONFIG
    if not path.exists():
        raise UserError(path, hint=f"does not exist; {folder.parent} is no model folder, or an incomplete one")
    values = read_json(config) if config.exists() else {}
    if any(name == "auto_map" or name.endswith("_file") for name in values):
        raise UserError(config, hint="names code or files of its own, which are never read")
    special = {name: _token(values[name], config, name) for name in SPECIAL if values.get(name) is not None}
    sides = {name: values[name] for name in ("padding_side", "truncation_side") if values.get(name) in _SIDES}
    length = values.get("model_max_length")
    if not isinstance(length, int | float) or isinstance(length, bool) or not 0 < length < _NO_LENGTH:
        length = None
    read_json(path, most=_LARGEST_TOKENIZER)
    try:
        backend = tokenizers.Tokenizer.from_file(str(path))
        tokenizer = Tokenizer(
            backend, special=special, sides=sides, model_max_length=None if length is None else int(length)
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # tokenizers raises bare Exception for a broken file, and Rust's panics are no such
        raise UserError(path, hint=f"cannot be read: {error}") from error
    if tokenizer.pad_token is None:
        raise UserError(config, hint="is missing or names no pad_token")
    return tokenizer


def check_vocabulary(tokenizer: "Tokenizer | PreTrainedTokenizerBase", size: int, where: Path) -> None:
    """Refuse a tokenizer that gives numbers for which the model has no embedding.

    Args:
        tokenizer: the tokenizer; a special token that its vocabulary lacks has got a number behind all others.
        size: embeddings that the model has.
        where: folder of the tokenizer, for errors.

    Raises:
        UserError: one line that names the token.
    """
    token, number = max(tokenizer.get_vocab().items(), key=lambda item: item[1], default=("", -1))
    if number >= size:
        hint = f"gives {token[:40]!r} the number {number}; the text encoder has {size} embeddings, from 0 on"
        raise UserError(where, hint=hint)


def _token(value: Any, path: Path, name: str) -> str:
    """A special token, which older files give as an object."""
    text = value.get("content") if isinstance(value, dict) else value
    if not isinstance(text, str) or not 0 < len(text) <= 100:
        raise UserError(path, hint=f"{name} must be a short text, not {str(value)[:40]!r}")
    return text
