"""A tokenizer called as those of transformers are, with the same numbers, but from the `tokenizers` library alone."""

import threading
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import tokenizers
import torch
from tokenizers import AddedToken

from mousai.storage.configs import make_folder, save_config, write_config

SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""Special tokens by transformers' names, in the order in which it numbers those that a vocabulary lacks."""
TOKENIZING = threading.RLock()
"""A tokenizer keeps its padding in itself, so that two threads with different wishes would take it from each other."""
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"


class Tokenizer:
    """A tokenizer: text -> numbers of tokens.

    Args:
        backend: what does it; it is changed.
        special: special tokens by their names in `SPECIAL`; one that the vocabulary lacks gets the next number. Where
            there is no "pad_token", the one that the backend pads with is taken.
        sides: "padding_side" and "truncation_side", each "left" or "right"; by default the backend's, or right.
        model_max_length: tokens that it cuts to and pads to by default; None = neither.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        special: Mapping[str, str],
        sides: Mapping[str, str] | None = None,
        model_max_length: int | None = None,
    ) -> None:
        padding, truncation = backend.padding or {}, backend.truncation or {}
        found = {"padding_side": padding.get("direction"), "truncation_side": truncation.get("direction")}
        self.sides = {name: (sides or {}).get(name) or side or "right" for name, side in found.items()}
        pad = {"pad_token": padding["pad_token"]} if padding else {}
        self.special_tokens_map = {name: token for name, token in {**pad, **special}.items() if name in SPECIAL}
        self.model_max_length = model_max_length
        self.backend_tokenizer = backend
        known = {token.content for token in backend.get_added_tokens_decoder().values()}
        wanted = dict.fromkeys(self.special_tokens_map[name] for name in SPECIAL if name in self.special_tokens_map)
        backend.add_tokens([AddedToken(token, special=True) for token in wanted if token not in known])

    @property
    def pad_token(self) -> str | None:
        """The token that pads, or None."""
        return self.special_tokens_map.get("pad_token")

    @property
    def pad_token_id(self) -> int | None:
        """Its number, or None."""
        return self._number("pad_token")

    @property
    def eos_token_id(self) -> int | None:
        """Number of the token that ends a text, or None."""
        return self._number("eos_token")

    @property
    def unk_token_id(self) -> int | None:
        """Number that stands for what the vocabulary lacks, or None."""
        return self._number("unk_token")

    def __len__(self) -> int:
        """Size of the vocabulary, special tokens included."""
        return int(self.backend_tokenizer.get_vocab_size())

    def get_vocab(self) -> dict[str, int]:
        """All tokens with their numbers."""
        return dict(self.backend_tokenizer.get_vocab())

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, without those that are put around it."""
        return list(self._encoded([text], False, None, None)[0].tokens)

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        padding: bool | str = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        return_offsets_mapping: bool = False,
        add_special_tokens: bool = True,
        verbose: bool = False,
    ) -> dict[str, Any]:
        """Numbers of the tokens of a text, or of each of several.

        Args:
            text: one, or a list.
            padding: "max_length" pads each to `max_length`, True to the longest.
            truncation: cut each to `max_length`.
            max_length: by default `model_max_length`.
            return_tensors: "pt" for tensors [texts, tokens], also of one text.
            return_offsets_mapping: tell where in the text each token begins and ends.
            add_special_tokens: put tokens around each text, such as the one that ends it.
            verbose: taken because transformers' tokenizers take it; this one never logs anything.

        Returns:
            "input_ids" and "attention_mask" (0 = padding), and "offset_mapping" if it is asked for.

        Raises:
            ValueError: another way of padding or kind of tensors is asked for, or there is no token to pad with.
        """
        if padding not in (True, False, "longest", "max_length", "do_not_pad") or return_tensors not in (None, "pt"):
            what = f"padding={padding!r}, return_tensors={return_tensors!r}"
            raise ValueError(f"{what}: padding is True, False or 'max_length' here, and tensors are 'pt'")
        length = self.model_max_length if max_length is None else max_length
        pad: dict[str, Any] | None = None
        if padding in (True, "longest") or (padding == "max_length" and length is not None):
            pad = {"length": length if padding == "max_length" else None}
        found = self._encoded([text] if isinstance(text, str) else text, add_special_tokens, pad, truncation and length)
        rows = {"input_ids": [one.ids for one in found], "attention_mask": [one.attention_mask for one in found]}
        told: dict[str, Any] = dict(rows)
        if return_offsets_mapping:
            told["offset_mapping"] = [one.offsets for one in found]
        if return_tensors:
            return {name: torch.tensor(values) for name, values in told.items()}
        return {name: values[0] for name, values in told.items()} if isinstance(text, str) else told

    def save_pretrained(self, folder: str | PathLike[str]) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json`, which `load_tokenizer` and transformers read.

        Raises:
            CheckpointError: a file cannot be written.
        """
        path = Path(folder)
        with TOKENIZING:
            self.backend_tokenizer.no_padding()  # what the last call asked for is not part of it
            self.backend_tokenizer.no_truncation()
            written = self.backend_tokenizer.to_str(pretty=True)
        make_folder(path)
        write_config(path / TOKENIZER, written)
        length = {} if self.model_max_length is None else {"model_max_length": self.model_max_length}
        kind = {"tokenizer_class": "PreTrainedTokenizerFast"}
        save_config(path / TOKENIZER_CONFIG, {**kind, **self.special_tokens_map, **self.sides, **length})

    def _number(self, name: str) -> int | None:
        token = self.special_tokens_map.get(name)
        return None if token is None else self.backend_tokenizer.token_to_id(token)

    def _encoded(
        self, texts: Sequence[str], special: bool, pad: dict[str, Any] | None, most: int | bool | None
    ) -> list[tokenizers.Encoding]:
        backend = self.backend_tokenizer
        with TOKENIZING:
            if not most:
                backend.no_truncation()
            else:
                backend.enable_truncation(int(most), direction=self.sides["truncation_side"])
            if pad is None:
                backend.no_padding()
            else:
                if self.pad_token is None or self.pad_token_id is None:
                    raise ValueError("padding: the tokenizer has no pad_token")
                side = self.sides["padding_side"]
                backend.enable_padding(direction=side, pad_id=self.pad_token_id, pad_token=self.pad_token, **pad)
            return list(backend.encode_batch(list(texts), add_special_tokens=special))
