"""What a step sees: which items, whose turn they are, and what they hold."""

from pathlib import Path

import numpy as np
import pytest

from mousai import UserError
from mousai.training.config import AutoencoderCropConfig
from mousai.training.data.index_sampler import IndexSampler
from mousai.training.data.latent_crops import LatentCrops
from mousai.training.data.split import is_validation
from mousai.training.data.waveform_crops import WaveformCrops

from .conftest import write_song


def test_items_are_dealt_to_processes_in_turn():
    def first(sampler: IndexSampler, count: int) -> list[int]:
        return [number for number, _ in zip(sampler, range(count), strict=False)]

    assert first(IndexSampler(first=10), 4) == [10, 11, 12, 13]
    both = [first(IndexSampler(first=10, rank=rank, world=2), 2) for rank in (0, 1)]
    assert sorted(both[0] + both[1]) == [10, 11, 12, 13]


def test_what_is_held_out_stays_held_out_when_files_are_added():
    names = [f"{number}.wav" for number in range(300)]
    small, large = is_validation(names[:200], 0.1), is_validation(names, 0.1)
    assert small == large[:200] and 5 <= sum(small) <= 40
    assert sum(is_validation(names[:20], 0.001)) == 1  # one of twenty at least
    assert not any(is_validation(names[:10], 0.1)) and not any(is_validation(names, 0))


@pytest.fixture
def config(saved_model):
    from mousai.storage.folders import autoencoder_config

    return autoencoder_config(saved_model)


def test_an_item_depends_on_its_number_alone(songs, config):
    import torch

    files = sorted(songs.glob("*.wav"))
    one, other = (WaveformCrops(files, config, AutoencoderCropConfig(samples=8192), seed=3) for _ in range(2))
    for number in (0, 7):
        _ = one[number + 1]
        assert all(torch.equal(one[number][key], other[number][key]) for key in ("wave", "t", "noise"))
    assert not torch.equal(one[0]["wave"], one[1]["wave"])


def test_short_files_are_repeated_or_joined(tmp_path, config):
    for number in range(2):
        write_song(tmp_path / f"{number}.wav", number=number, seconds=0.05)
    files = sorted(tmp_path.glob("*.wav"))
    length = 2400
    repeated = WaveformCrops(files, config, AutoencoderCropConfig(samples=6144), seed=0)[0]["wave"].numpy()
    np.testing.assert_array_equal(repeated[:, :length], repeated[:, length : 2 * length])
    joined = WaveformCrops(files, config, AutoencoderCropConfig(samples=61440, short="join"), seed=0)[0]["wave"].numpy()
    parts = {joined[:, n * length : (n + 1) * length].tobytes() for n in range(25)}
    assert len(parts) == 2


def test_silence_is_passed_over_and_bad_files_are_told(tmp_path, config, make_settings):
    from mousai import UserError, write_audio
    from mousai.training.run import train

    folder = tmp_path / "songs"
    folder.mkdir()
    write_song(folder / "good.wav", number=1)
    write_audio(folder / "silent.wav", np.zeros((2, 48000), dtype=np.float32), 48000)
    crops = WaveformCrops(sorted(folder.glob("*.wav")), config, AutoencoderCropConfig(samples=4096), seed=0)
    assert all(crops[number]["files"].endswith("good.wav") for number in range(20))
    (folder / "broken.wav").write_bytes(b"RIFF and nothing more")
    with pytest.raises(UserError, match=r"^data: 1 of 3 files are bad, more than 1%, such as .*broken\.wav"):
        train(make_settings("autoencoder", tmp_path / "run", data=str(folder), batch=8))
    assert "broken.wav" in (tmp_path / "run" / "bad_files.json").read_text()


def test_only_bad_files_end_the_first_item(tmp_path, config):

    (tmp_path / "broken.wav").write_bytes(b"")
    crops = WaveformCrops([tmp_path / "broken.wav"], config, AutoencoderCropConfig(samples=4096), seed=0)
    with pytest.raises(UserError, match="16 crops in a row could not be read or were silent"):
        _ = crops[0]


def test_fixed_pieces_all_come_once_in_a_pass(songs):
    import torch

    from mousai.data.records import Record
    from mousai.training.config import LatentCropConfig
    from mousai.training.data.folder_songs import FolderSongs

    records = [Record(Path(f"{number}.wav"), {"caption": str(number)}) for number in range(3)]
    latents = [[torch.arange(n * 100, n * 100 + 40.0)[None]] for n in range(3)]
    items = LatentCropConfig(frames=10, place="fixed")
    crops = LatentCrops(FolderSongs(records, latents, 10.0), items, seed=0)
    passes = [[float(crops[12 * p + n]["latent"][0, 0]) for n in range(12)] for p in range(2)]
    assert sorted(passes[0]) == sorted(passes[1]) == [n * 100.0 + k for n in range(3) for k in (0, 10, 20, 30)]
    assert passes[0] != passes[1]
    for number in range(12):
        item = crops[number]
        assert item["caption"] == item["files"][0] == str(int(item["latent"][0, 0]) // 100)
        assert item["start"] == pytest.approx(float(item["latent"][0, 0]) % 100 / 10)
