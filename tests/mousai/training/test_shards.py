"""Training from shards: the same steps as from a folder, and exactly on after an interruption."""

import functools
import http.server
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from mousai import UserError
from mousai.cli import main
from mousai.data.latent_cache.encode import encode_songs
from mousai.data.records import find_records
from mousai.data.shards import ShardCache, ShardError
from mousai.data.shards.pack import shard_songs
from mousai.data.shards.read import open_shards
from mousai.training.checkpoint_files import read_checkpoint, saved_checkpoints
from mousai.training.data import shard_shuffle
from mousai.training.data.shard_shuffle import ShardShuffle
from mousai.training.run import train
from mousai.training.stages.autoencoder import phases


@pytest.fixture(scope="session")
def shards(songs: Path, saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The six songs in three shards, for each stage."""
    top = tmp_path_factory.mktemp("sharded")
    encode_songs(saved_model / "autoencoder", songs, find_records(songs), top / "latents", progress=False)
    for stage, source in (("autoencoder", songs), ("latent-diffusion", top / "latents")):
        assert shard_songs(source, top / stage, songs_per_shard=2).shards == 3
    return {stage: top / stage for stage in ("autoencoder", "latent-diffusion")}


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior is begun from so few crops."""
    monkeypatch.setattr(phases, "_SAMPLE", 3)


def state(run: Path) -> dict[str, Any]:
    return read_checkpoint(saved_checkpoints(run / "checkpoints")[-1])


def assert_same_weights(one: Path, other: Path) -> None:
    a, b = state(one), state(other)
    for part in (("state_dict",), ("callbacks", "EMA", "average")):
        found, expected = (functools.reduce(lambda held, key: held[key], part, whole) for whole in (a, b))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)
    assert a["items_seen"] == b["items_seen"]


@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_a_few_shards_are_what_the_folder_is(stage, shards, tmp_path, make_settings):
    assert train(make_settings(stage, tmp_path / "folder", max_steps=3)) == 0
    assert train(make_settings(stage, tmp_path / "shards", max_steps=3, data=str(shards[stage]))) == 0
    assert_same_weights(tmp_path / "folder", tmp_path / "shards")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stage", ["autoencoder", "latent-diffusion"])
def test_steps_in_two_runs_are_the_steps_of_one(stage, workers, shards, tmp_path, make_settings, monkeypatch):
    """With a window of one shard, which ends within the first run and within the second."""
    monkeypatch.setattr(shard_shuffle, "WINDOW", 1)
    settings = {"workers": workers, "data": str(shards[stage])}
    assert train(make_settings(stage, tmp_path / "whole", max_steps=4, **settings)) == 0
    for steps in (1, 3, 4):
        assert train(make_settings(stage, tmp_path / "parts", max_steps=steps, **settings)) == 0
    assert_same_weights(tmp_path / "whole", tmp_path / "parts")


# ---- order


def pieces_of(shuffle: ShardShuffle, numbers: range) -> list[int]:
    return [shuffle.piece(number) for number in numbers]


def test_a_pass_has_every_piece_once_and_a_window_only_those_of_its_shards():
    shard_of = np.random.default_rng(0).integers(0, 10, 97)
    shuffle = ShardShuffle(shard_of, seed=5, window=3)
    for pass_number in range(3):
        numbers = range(97 * pass_number, 97 * (pass_number + 1))
        assert sorted(pieces_of(shuffle, numbers)) == list(range(97))
    seen: dict[tuple[int, int], set[int]] = {}
    for number in range(97 * 2):
        found = shuffle.at(number)
        assert len(found.shards) in (3, 1) and shard_of[shuffle.piece(number)] in found.shards
        seen.setdefault((found.pass_number, found.number), set()).update(found.shards)
        after = shuffle.shards_after(found)
        following = next(n for n in range(number, 1000) if shuffle.at(n).number != found.number)
        assert after == shuffle.at(following).shards
    for pass_number in (0, 1):
        shards = [shard for window in range(4) for shard in seen[pass_number, window]]
        assert sorted(shards) == list(range(10))
    assert seen[0, 0] != seen[1, 0]


def test_any_item_can_be_asked_for_first():
    shard_of = np.arange(40) % 8
    shuffle = ShardShuffle(shard_of, seed=1, window=2)
    expected = pieces_of(shuffle, range(200))
    for number in (199, 3, 77, 41, 40, 0):
        assert ShardShuffle(shard_of, seed=1, window=2).piece(number) == expected[number]
    assert pieces_of(ShardShuffle(shard_of, seed=2, window=2), range(40)) != expected[:40]


def test_a_shard_gives_as_many_items_as_it_has_sound():
    shuffle = ShardShuffle([0, 0, 1], seed=0, items=[2.0, 3.0, 15.0], window=1)
    count = Counter(shuffle.at(number).shards for number in range(20))
    assert count == {(0,): 5, (1,): 15}


# ---- from elsewhere


class _Log(http.server.SimpleHTTPRequestHandler):
    asked: ClassVar[Counter[str]] = Counter()

    def log_message(self, *args: object) -> None:
        type(self).asked[self.path] += 1


@pytest.fixture
def server(shards: dict[str, Path]) -> Iterator[str]:
    _Log.asked.clear()
    handler = functools.partial(_Log, directory=str(shards["latent-diffusion"].parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["url", "pipe"])
def test_shards_of_object_storage_are_those_of_the_disk(way, server, shards, tmp_path, make_settings):
    if way == "url":
        data = f"{server}/latent-diffusion/shard-{{000000..000002}}.tar"
    else:
        data = f"pipe:cat {shards['latent-diffusion']}/index.json"
    settings = {"max_steps": 3, "shards": str(tmp_path / "cache")}
    assert (
        train(make_settings("latent-diffusion", tmp_path / "here", max_steps=3, data=str(shards["latent-diffusion"])))
        == 0
    )
    assert train(make_settings("latent-diffusion", tmp_path / "there", data=data, **settings)) == 0
    assert_same_weights(tmp_path / "here", tmp_path / "there")
    if way == "url":
        assert {path: _Log.asked[path] for path in _Log.asked if path.endswith(".tar")} == {
            f"/latent-diffusion/shard-00000{number}.tar": 1 for number in range(3)
        }


def test_what_was_not_used_for_longest_makes_room(shards, tmp_path):
    data = f"pipe:cat {shards['latent-diffusion']}/index.json"
    sizes = [shard.bytes for shard in open_shards(data).shards]
    found = open_shards(data, cache=ShardCache(tmp_path, (sizes[0] + sizes[1] + sizes[2] - 1) / 1e9))
    hashes = [shard.sha256 for shard in found.shards]
    for shard in (0, 1, 0, 2):
        found.fetch(shard)
    assert {path.stem for path in tmp_path.glob("*.tar")} == {hashes[0], hashes[2]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "is not what the index of its shards says (its hash differs)"),
        (lambda data: data[:-1], "is not what the index of its shards says ("),
        (lambda data: None, "shard-000000.tar: cannot be read ("),
    ],
)
def test_a_shard_that_changed_on_the_way_is_refused(change, message, shards, tmp_path):
    there = tmp_path / "there"
    shutil.copytree(shards["latent-diffusion"], there)
    shard = there / "shard-000000.tar"
    changed = change(shard.read_bytes())
    if changed is None:
        shard.unlink()
    else:
        shard.write_bytes(changed)
    found = open_shards(f"pipe:cat {there}/index.json", cache=ShardCache(tmp_path / "cache"))
    found.fetch(1)
    with pytest.raises(ShardError) as caught:
        found.latents(int(np.flatnonzero(found.shard_of == 0)[0]))
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert len(list((tmp_path / "cache").glob("*.tar"))) == 1


# ---- what cannot be trained on


def no(data: Path) -> None:
    pass


def unfinished(data: Path) -> None:
    index = data / "index.json"
    index.write_text(index.read_text().replace('"complete": true', '"complete": false'))


def cut(data: Path) -> None:
    shard = data / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:-512])


@pytest.mark.parametrize(
    ("stage", "kind", "change", "more", "message"),
    [
        ("latent-diffusion", "autoencoder", no, [], "holds music; `mousai data encode` makes latents of it"),
        (
            "autoencoder",
            "latent-diffusion",
            no,
            [],
            "holds latents; the autoencoder is trained on shards of a folder of music",
        ),
        (
            "latent-diffusion",
            "latent-diffusion",
            no,
            ["--crops.offsets", "2"],
            "crops.offsets: 1 in the shards, 2 given",
        ),
        (
            "latent-diffusion",
            "latent-diffusion",
            unfinished,
            [],
            "its shards are not finished; `mousai data shard` goes on with them",
        ),
        ("latent-diffusion", "latent-diffusion", cut, [], "is missing or not of "),
        ("latent-diffusion", "latent-diffusion", cut, ["--loop.workers", "1"], "is missing or not of "),
        ("autoencoder", "autoencoder", cut, [], "is missing or not of "),
        ("latent-diffusion", "none", no, [], "none: no such folder"),
        ("latent-diffusion", "latent-diffusion/shard-000009.tar", no, [], "shard-000009.tar is not in "),
        (
            "latent-diffusion",
            "latent-diffusion",
            no,
            ["--crops.frames", "1000", "--crops.short", "leave"],
            "all 6 songs are shorter than a crop of 21.3 s",
        ),
    ],
)
def test_one_line_says_what_is_wrong(stage, kind, change, more, message, shards, saved_model, tmp_path, capsys):
    top = tmp_path / "data"
    shutil.copytree(shards["latent-diffusion"].parent, top)
    change(top / kind)
    command = ["train", stage, "--data", str(top / kind), "--out", str(tmp_path / "run"), "--from", str(saved_model)]
    command += ["--loop.max_steps", "9", "--loop.batch", "2", "--device", "cpu", "--logging.logger", "csv"]
    command += ["--logging.listen_every", "0", "--logging.validate_every", "0"]
    command += [] if "--loop.workers" in more else ["--loop.workers", "0"]
    if stage == "latent-diffusion":
        command += ["--autoencoder", str(saved_model)]
        command += [] if "--crops.frames" in more else ["--crops.frames", "16"]
        command += [] if "--crops.offsets" in more else ["--crops.offsets", "1"]
    else:
        command += ["--phase", "latent", "--crops.samples", "16384"]
    assert main([*command, *more]) == 2
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line.startswith("mousai: error")]
    assert len(lines) == 1 and message in lines[0] and "Traceback" not in said, said


def test_latents_of_another_autoencoder_are_refused(shards, make_settings, model_copy, tmp_path):
    from safetensors.torch import load_file, save_file

    path = model_copy / "autoencoder" / "model.safetensors"
    weights = load_file(path)
    key = next(key for key in weights if key.startswith("encoder.") and weights[key].ndim > 1)
    save_file({**weights, key: 1.5 * weights[key]}, path)
    settings = make_settings(
        "latent-diffusion", tmp_path, data=str(shards["latent-diffusion"]), autoencoder=str(model_copy)
    )
    with pytest.raises(
        UserError, match=r"made otherwise \(autoencoder: '[0-9a-f]{16}' in the shards, '[0-9a-f]{16}' gi"
    ):
        train(settings)
