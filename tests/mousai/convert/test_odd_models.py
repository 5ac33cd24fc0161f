"""Models of theirs that few would build and all may: overlapping patches, what the shapes leave open, guidance."""

import types
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dmae import DecodingConfig
from mousai import load_autoencoder, load_latent_diffusion
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.convert.exporting import export_model
from mousai.convert.importing import import_model
from mousai.convert.rules import LayoutError
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import describe
from vdiffusion import NoiseSource

Authors = types.SimpleNamespace


def autoencoder_of(
    authors: Authors, *, window: int = 8, stride: int = 4, audio: int = 2, encoder: nn.Module | None = None
) -> nn.Module:
    """A DiffusionAE of theirs on a learned transform, a latent frame of 4 * stride samples."""
    d, e = authors.diffusion, authors.encoders
    torch.manual_seed(1)
    common = {"in_channels": audio, "channels": 16, "multipliers": [1, 1], "factors": [2], "num_blocks": [1]}
    encoder = encoder or e.ME1d(
        stft_num_fft=31, stft_hop_length=2 * stride, out_channels=4, bottleneck=e.TanhBottleneck(), **common
    )
    return d.DiffusionAE(
        net_t=d.LTPlugin(d.UNetV0, num_filters=8, window_length=window, stride=stride),
        in_channels=audio,
        channels=[16, 24],
        factors=[2, 2],
        items=[1, 2],
        inject_depth=1,
        modulation_features=16,
        encoder=encoder,
    ).eval()


def generator_of(authors: Authors, **changes: Any) -> nn.Module:
    torch.manual_seed(2)
    settings = {
        "net_t": authors.diffusion.UNetV0,
        "in_channels": 4,
        "channels": [16, 24],
        "factors": [1, 2],
        "items": [1, 3],
        "attention_heads": 2,
        "attention_features": 8,
        "modulation_features": 16,
    }
    return authors.diffusion.DiffusionModel(**{**settings, **changes}).eval()


def copies(model: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in model.state_dict().items()}


def imported(model: nn.Module, folder: Path, settings: dict[str, str], name: str = "ours", **options: Any) -> Path:
    save_file(copies(model), folder / "theirs.safetensors")
    import_model(str(folder / "theirs.safetensors"), folder / name, settings=settings, **options)
    return folder / name


def close(ours: Tensor, theirs: Tensor, *, relative: float = 1e-5) -> None:
    assert ours.shape == theirs.shape
    error = float((ours - theirs).abs().max() / theirs.abs().max())
    assert error < relative, f"relative error {error:.2e}"


def noise_of(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- patches that overlap


@pytest.mark.parametrize(("window", "stride"), [(8, 4), (16, 4), (6, 2), (9, 3)])
@pytest.mark.parametrize("audio", [1, 2])
def test_overlapping_patches(authors: Authors, tmp_path: Path, window: int, stride: int, audio: int):
    theirs = autoencoder_of(authors, window=window, stride=stride, audio=audio)
    ours = load_autoencoder(imported(theirs, tmp_path, {"bottleneck": "tanh", "transform_stride": str(stride)}))
    assert (ours.config.transform_size, ours.config.transform_window) == (stride, window)
    assert ours.config.hop_length == 4 * stride
    wave = 0.3 * noise_of(2, audio, 128 * stride)
    with torch.no_grad():
        latent = theirs.encode(wave)
        close(ours.encode(wave), latent)
        t = torch.tensor([0.2, 0.9])
        close(ours.denoise(wave, t, latent=latent), theirs.net(wave, t, channels=[None, latent]))
        torch.manual_seed(3)
        expected = theirs(wave)
        torch.manual_seed(3)
        t, drawn = torch.rand(2), torch.randn_like(wave)
        close(ours.losses(wave, t=t, noise=drawn).diffusion, expected)
        noise = noise_of(2, audio, 128 * stride, seed=7)
        expected = theirs.sample(noise, num_steps=50, channels=[None, latent])
        close(ours.decode(latent, config=DecodingConfig(num_steps=50), initial_noise=noise), expected, relative=1e-4)
    for samples in (1, 5, 4 * stride + 1):
        latent = ours.encode(wave[..., :samples])
        assert ours.decode(latent, config=DecodingConfig(num_steps=1), length=samples).shape == (2, audio, samples)


def test_overlapping_patches_there_and_back(authors: Authors, tmp_path: Path):
    theirs = autoencoder_of(authors)
    folder = imported(theirs, tmp_path, {"bottleneck": "tanh", "transform_stride": "4"})
    settings = export_model(folder, tmp_path / "back.safetensors")
    assert settings == {"bottleneck": "tanh", "transform_stride": "4"}
    back, before = load_file(tmp_path / "back.safetensors"), theirs.state_dict()
    assert back.keys() == before.keys()
    assert all(torch.allclose(back[key], before[key], atol=1e-6) for key in back)
    import_model(str(tmp_path / "back.safetensors"), tmp_path / "again", settings=settings)
    assert describe(tmp_path / "again").autoencoder == describe(folder).autoencoder


@pytest.mark.parametrize("stride", ["3", "10"])
def test_a_stride_that_theirs_cannot_have(authors: Authors, tmp_path: Path, stride: str):
    message = f"settings='transform_stride={stride}': the window .* is 8; .* even number less"
    with pytest.raises(UserError, match=message):
        imported(autoencoder_of(authors), tmp_path, {"bottleneck": "tanh", "transform_stride": stride})


# ---- what the shapes leave open


@pytest.mark.parametrize("crossing", [[1, 0], [0, 1], [1, 1]], ids=str)
def test_an_embedding_as_wide_as_a_level(authors: Authors, tmp_path: Path, crossing: list[int]):
    """One attention on 24 channels, an embedding of 24: itself or the embedding?"""
    changes = {"embedding_features": 24, "use_embedding_cfg": True, "embedding_max_length": 5}
    theirs = generator_of(authors, attentions=[1, 1 - crossing[1]], cross_attentions=crossing, **changes)
    with pytest.raises(LayoutError, match=r"cross_attentions .* is not in the file; give --set cross_attentions=0,1"):
        imported(theirs, tmp_path, {"attention_heads": "2"})
    told = {"attention_heads": "2", "cross_attentions": ",".join(map(str, crossing))}
    ours = load_latent_diffusion(imported(theirs, tmp_path, told))
    noise, t, embedding = noise_of(2, 4, 16), torch.tensor([0.1, 0.7]), noise_of(2, 5, 24, seed=1)
    with torch.no_grad():
        close(ours.denoise(noise, t, context=embedding), theirs.net(noise, t, embedding=embedding))
    assert export_model(tmp_path / "ours", tmp_path / "back.safetensors") == told


def test_an_embedding_that_only_the_user_knows_of(authors: Authors, tmp_path: Path):
    """Without guidance and with all of one width nothing tells it from a generator without text: assumed, and told."""
    theirs = generator_of(authors, channels=[16, 16], cross_attentions=[0, 1], embedding_features=16)
    save_file(copies(theirs), tmp_path / "a.safetensors")
    made = import_model(str(tmp_path / "a.safetensors"), tmp_path / "wrong", settings={"attention_heads": "2"})
    assert made.assumed["cross_attentions"] == "0,0"
    told = {"attention_heads": "2", "cross_attentions": "0,1"}
    ours = load_latent_diffusion(imported(theirs, tmp_path, told))
    noise, t, embedding = noise_of(2, 4, 16), torch.tensor([0.1, 0.7]), noise_of(2, 5, 16, seed=1)
    with torch.no_grad():
        close(ours.denoise(noise, t, context=embedding), theirs.net(noise, t, embedding=embedding))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cross_attentions": "1"}, "settings='cross_attentions=1': must be 2 times 0 or 1"),
        ({"cross_attentions": "0,2"}, "settings='cross_attentions=0,2': must be 2 times 0 or 1"),
        ({"cross_attentions": "1,0"}, "level 0 has 0 attentions, .* 1 is not possible there"),
        ({"mel_normalize": "true"}, "settings='mel_normalize=true': this model has none; leave it out"),
        ({"bottleneck": "tanh"}, "settings='bottleneck=tanh': this model has none; leave it out"),
    ],
)
def test_settings_that_do_not_fit(authors: Authors, tmp_path: Path, settings: dict[str, str], message: str):
    theirs = generator_of(authors, attentions=[0, 1])
    with pytest.raises(UserError, match=message):
        imported(theirs, tmp_path, {"attention_heads": "2", **settings})
    assert not (tmp_path / "ours").exists()


def test_an_encoder_that_skips_samples(authors: Authors, tmp_path: Path):
    e = authors.encoders
    sizes = {"channels": 16, "multipliers": [1, 1], "factors": [1], "num_blocks": [1], "out_channels": 4}
    theirs = autoencoder_of(authors, encoder=e.ME1d(in_channels=2, stft_num_fft=15, stft_hop_length=16, **sizes))
    with pytest.raises(LayoutError, match=r"theirs.safetensors: the sizes .* hop_length=16 skips samples"):
        imported(theirs, tmp_path, {"bottleneck": "none", "transform_stride": "4"})


def test_a_window_shorter_than_the_transform(authors: Authors, tmp_path: Path):
    """A window of 30 would fit a transform of 30 as well as one of 31."""
    e = authors.encoders
    sizes = {"channels": 16, "multipliers": [1, 1], "factors": [2], "num_blocks": [1], "out_channels": 4}
    encoder = e.ME1d(in_channels=2, stft_num_fft=31, stft_window_length=30, stft_hop_length=8, **sizes)
    theirs = autoencoder_of(authors, encoder=encoder)
    settings = {"bottleneck": "none", "transform_stride": "4", "stft_num_fft": "31"}
    ours = load_autoencoder(imported(theirs, tmp_path, settings))
    wave = 0.3 * noise_of(2, 2, 512)
    with torch.no_grad():
        close(ours.encode(wave), theirs.encode(wave))
    assert export_model(tmp_path / "ours", tmp_path / "back.safetensors") == settings


def test_mel_filters_of_an_odd_transform(authors: Authors, tmp_path: Path):
    e = authors.encoders
    sizes = {"channels": 16, "multipliers": [1, 1], "factors": [4], "num_blocks": [1], "out_channels": 4}
    mel = {"mel_n_fft": 63, "mel_hop_length": 3, "mel_win_length": 63, "mel_channels": 6, "mel_sample_rate": 22050}
    theirs = autoencoder_of(authors, window=9, stride=3, encoder=e.MelE1d(in_channels=2, **mel, **sizes))
    settings = {"bottleneck": "none", "transform_stride": "3", "mel_sample_rate": "22050"}
    ours = load_autoencoder(imported(theirs, tmp_path, settings))
    assert ours.config.spectrogram.n_fft == 63
    wave = 0.3 * noise_of(2, 2, 12 * 32)
    with torch.no_grad():
        close(ours.encode(wave), theirs.encode(wave))


# ---- guidance


def test_an_embedding_for_no_prompt_that_is_longer_than_the_prompts(authors: Authors, tmp_path: Path):
    """Theirs takes as many of its first tokens as the prompt has."""
    changes = {"embedding_features": 20, "use_embedding_cfg": True, "embedding_max_length": 12}
    theirs = generator_of(authors, cross_attentions=[1, 1], **changes)
    ours = load_latent_diffusion(imported(theirs, tmp_path, {"attention_heads": "2"}))
    embedding = noise_of(1, 7, 20, seed=1)
    cond = Conditioning(frames=16, text=TextEmbedding(embedding, torch.ones(1, 7, dtype=torch.bool)))
    config = SamplingConfig(num_inference_steps=10, guidance_scale=4.0)
    source = NoiseSource(5, [0])
    found = ours.sample(cond, noise=source, config=config)
    noise = source.draw((4, 16), stage="generator")
    expected = theirs.sample(noise, num_steps=10, embedding=embedding, embedding_scale=4.0)
    close(found, expected, relative=1e-4)
    with torch.no_grad():
        t, drawn = torch.tensor([0.3]), noise_of(1, 4, 16, seed=9)
        v = theirs.net(drawn, t, embedding=embedding, embedding_mask_proba=1.0)
        null = ours.null(1, 7)
        close(ours.denoise(drawn, t, context=null.hidden, context_mask=null.mask), v)
        assert ours.loss(drawn, cond, cond_drop_prob=0.5).isfinite()
    with pytest.raises(ValueError, match="has 13 tokens; the embedding for no prompt has 12"):
        ours.null(1, 13)


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory: pytest.TempPathFactory, saved_model: Path) -> Path:
    """A T5 of 32 features in the hub's layout."""
    from transformers import T5Config, T5EncoderModel

    from mousai.conditioning.text import load_tokenizer

    folder = tmp_path_factory.mktemp("t5")
    tokenizer = load_tokenizer(saved_model / "tokenizer")
    config = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=4, d_ff=32, num_layers=1, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding_features": 20}, "reads text of 20 features, the text encoder gives 32"),
        ({"embedding_features": 32, "embedding_max_length": 5}, "has 5 tokens, the text encoder gives 64"),
        ({"embedding_features": 32, "in_channels": 6}, "writes 6 latent channels, the autoencoder reads 4"),
    ],
)
def test_parts_that_do_not_belong_together(
    authors: Authors, tmp_path: Path, t5_folder: Path, changes: dict[str, int], message: str
):
    autoencoder = imported(autoencoder_of(authors), tmp_path, {"bottleneck": "tanh", "transform_stride": "4"}, "ae")
    guided = {"cross_attentions": [1, 1], "use_embedding_cfg": True, "embedding_max_length": 64, **changes}
    others = {"text_encoder": str(t5_folder), "autoencoder": autoencoder}
    with pytest.raises(UserError, match=message):
        imported(generator_of(authors, **guided), tmp_path, {"attention_heads": "2"}, **others)
    assert not (tmp_path / "ours").exists()
