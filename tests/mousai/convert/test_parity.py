"""Their models, random weights, through a file into a model folder: the same numbers come out."""

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dmae import DecodingConfig
from mousai import load_autoencoder, load_latent_diffusion
from mousai.conditioning.conditioning import Conditioning
from mousai.conditioning.text import TextEmbedding
from mousai.convert.exporting import export_model
from mousai.convert.importing import import_model
from mousai.storage.folders import describe
from tests.mousai.convert.comparing import close, saved
from vdiffusion import DDIM, Guidance, time_grid

Authors = types.SimpleNamespace


def autoencoder_of(authors: Authors, *, transform: bool, mel: bool, **changes: Any) -> nn.Module:
    """A DiffusionAE of theirs: 2 channels, a latent frame of 32 samples."""
    d, e = authors.diffusion, authors.encoders
    common = {"channels": 16, "multipliers": [1, 1, 2], "factors": [2, 2], "num_blocks": [1, 2], "out_channels": 4}
    common = {"in_channels": 2, "bottleneck": e.TanhBottleneck(), **common, **changes}
    if mel:
        encoder = e.MelE1d(
            mel_channels=12,
            mel_n_fft=62,
            mel_hop_length=8,
            mel_win_length=40,
            mel_sample_rate=16000,
            mel_normalize_log=True,
            **common,
        )
    else:
        encoder = e.ME1d(stft_num_fft=31, stft_hop_length=8, **common)
    net = d.LTPlugin(d.UNetV0, num_filters=8, window_length=4, stride=4) if transform else d.UNetV0
    factors = [1, 2, 4, 2] if transform else [4, 2, 4, 2]
    torch.manual_seed(1)
    return d.DiffusionAE(
        net_t=net,
        in_channels=2,
        channels=[16, 24, 32, 32],
        factors=factors,
        items=[1, 2, 2, 1],
        inject_depth=2,
        modulation_features=32,
        encoder=encoder,
    ).eval()


SETTINGS = {"bottleneck": "tanh"}
MEL_SETTINGS = {"bottleneck": "tanh", "sample_rate": "16000", "mel_normalize_log": "true"}
AUTOENCODERS = pytest.mark.parametrize(
    ("transform", "mel"), [(True, False), (False, False), (True, True), (False, True)], ids=str
)


def imported(model: nn.Module, folder: Path, settings: dict[str, str], **options: Any) -> Path:
    import_model(str(saved(model, folder / "theirs.safetensors")), folder / "ours", settings=settings, **options)
    return folder / "ours"


@AUTOENCODERS
def test_an_autoencoder(authors: Authors, tmp_path: Path, transform: bool, mel: bool):
    theirs = autoencoder_of(authors, transform=transform, mel=mel)
    ours = load_autoencoder(imported(theirs, tmp_path, MEL_SETTINGS if mel else SETTINGS))
    wave = torch.randn(3, 2, 512, generator=torch.Generator().manual_seed(0)) * 0.3
    with torch.no_grad():
        latent = theirs.encode(wave)[..., :16]  # without centring theirs has none more, with it one
        close(ours.encode(wave), latent)

        noise = torch.randn(3, 2, 512, generator=torch.Generator().manual_seed(2))
        t = torch.tensor([0.1, 0.5, 0.9])
        v = theirs.net(noise, t, channels=[None, None, latent])
        close(ours.denoise(noise, t, latent=latent), v)


@AUTOENCODERS
def test_the_loss_on_the_same_noise(authors: Authors, tmp_path: Path, transform: bool, mel: bool):
    theirs = autoencoder_of(authors, transform=transform, mel=mel)
    ours = load_autoencoder(imported(theirs, tmp_path, MEL_SETTINGS if mel else SETTINGS))
    wave = torch.randn(2, 2, 512, generator=torch.Generator().manual_seed(0)) * 0.3
    with torch.no_grad():
        torch.manual_seed(3)
        expected = theirs(wave)
        torch.manual_seed(3)
        t, noise = torch.rand(2), torch.randn_like(wave)
        found = ours.losses(wave, t=t, noise=noise).diffusion
    close(found, expected)


@AUTOENCODERS
def test_a_whole_decode(authors: Authors, tmp_path: Path, transform: bool, mel: bool):
    theirs = autoencoder_of(authors, transform=transform, mel=mel)
    ours = load_autoencoder(imported(theirs, tmp_path, MEL_SETTINGS if mel else SETTINGS))
    latent = torch.randn(2, 4, 16, generator=torch.Generator().manual_seed(0)).tanh()
    with torch.no_grad():
        expected = theirs.decode(latent, num_steps=50, generator=torch.Generator().manual_seed(5))
        noise = torch.randn(2, 2, 512, generator=torch.Generator().manual_seed(5))
        found = ours.decode(latent, config=DecodingConfig(num_steps=50), initial_noise=noise)
    close(found, expected, relative=1e-4)


def generator_of(authors: Authors, **changes: Any) -> nn.Module:
    torch.manual_seed(2)
    settings = {
        "net_t": authors.diffusion.UNetV0,
        "in_channels": 4,
        "channels": [16, 24, 32],
        "factors": [1, 2, 2],
        "items": [1, 2, 2],
        "attentions": [0, 1, 1],
        "attention_heads": 3,
        "attention_features": 8,
        "modulation_features": 32,
    }
    return authors.diffusion.DiffusionModel(**{**settings, **changes}).eval()


GUIDED = {
    "cross_attentions": [1, 1, 1],
    "embedding_features": 20,
    "embedding_max_length": 64,
    "use_embedding_cfg": True,
}


def test_a_generator_without_text(authors: Authors, tmp_path: Path):
    theirs = generator_of(authors, out_channels=None)
    ours = load_latent_diffusion(imported(theirs, tmp_path, {"attention_heads": "3"}))
    assert ours.config.net.context_features == 0 and ours.config.max_tokens == 0
    noise = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        t = torch.tensor([0.2, 0.8])
        close(ours.denoise(noise, t), theirs.net(noise, t))
        expected = theirs.sample(noise, num_steps=50)
        close(DDIM().sample(ours.denoise, noise, num_steps=50), expected, relative=1e-4)
        torch.manual_seed(3)
        expected = theirs(noise)
        torch.manual_seed(3)
        t, drawn = torch.rand(2), torch.randn_like(noise)
        close(ours.loss(noise, Conditioning(frames=32), cond_drop_prob=0.0, t=t, noise=drawn), expected)


def test_a_guided_generator(authors: Authors, tmp_path: Path):
    theirs = generator_of(authors, **GUIDED)
    ours = load_latent_diffusion(imported(theirs, tmp_path, {"attention_heads": "3"}))
    assert ours.config.max_tokens == 64 and ours.config.attend_to_padding
    embedding = torch.randn(2, 64, 20, generator=torch.Generator().manual_seed(1))
    text = TextEmbedding(embedding, torch.ones(2, 64, dtype=torch.bool))
    cond = Conditioning(frames=32, text=text)
    noise = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours.null_embedding, theirs.net.blocks[2].blocks[0].blocks[0].weight)
        expected = theirs.sample(noise, num_steps=50, embedding=embedding, embedding_scale=5.0)
        null = ours.null(2)
        net = Guidance(ours.denoise, 5.0, {"context": null.hidden, "context_mask": null.mask})
        conditions = {"context": text.hidden, "context_mask": text.mask}
        close(DDIM().sample(net, noise, times=time_grid(50), **conditions), expected, relative=1e-4)
        torch.manual_seed(3)
        expected = theirs(noise, embedding=embedding)
        torch.manual_seed(3)
        t, drawn = torch.rand(2), torch.randn_like(noise)
        close(ours.loss(noise, cond, cond_drop_prob=0.0, t=t, noise=drawn), expected)
        torch.manual_seed(3)
        expected = theirs(noise, embedding=embedding, embedding_mask_proba=1.0)
        close(ours.loss(noise, cond, cond_drop_prob=1.1, t=t, noise=drawn), expected)


@pytest.fixture
def t5_folder(tmp_path: Path, saved_model: Path) -> Path:
    """A small T5 of the hub's layout, with the tokenizer of the miniature model."""
    from transformers import T5Config, T5EncoderModel

    from mousai.conditioning.text import load_tokenizer

    tokenizer = load_tokenizer(saved_model / "tokenizer")
    torch.manual_seed(0)
    config = T5Config(vocab_size=len(tokenizer), d_model=20, d_kv=4, d_ff=32, num_layers=2, num_heads=2)
    folder = tmp_path / "t5"
    T5EncoderModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("guided", [True, False])
def test_a_generator_with_its_text_encoder(
    authors: Authors, tmp_path: Path, t5_folder: Path, monkeypatch: pytest.MonkeyPatch, guided: bool
):
    """The mask of the prompt: theirs reads the padding too, and so does the model that is imported."""
    import a_unet.blocks

    theirs_t5 = a_unet.blocks.T5Embedder
    monkeypatch.setattr(a_unet.blocks, "T5Embedder", lambda: theirs_t5(model=str(t5_folder)))
    changes = {**GUIDED, "use_text_conditioning": True, "use_embedding_cfg": guided}
    theirs = generator_of(authors, **changes)
    with torch.no_grad():  # so that the checkpoint's T5 is not the folder's
        theirs.net.blocks[2].blocks[0].transformer.shared.weight.mul_(1.5)
    folder = imported(theirs, tmp_path, {"attention_heads": "3"}, text_encoder=str(t5_folder))
    assert describe(folder).parts == ("text_encoder", "latent_diffusion")
    ours = load_latent_diffusion(folder)
    from mousai.conditioning.text import T5TextEncoder

    prompts = ["calm piano pop, 100 bpm", "fast metal"]
    text = T5TextEncoder.load(folder)(prompts, keep_padding=ours.config.attend_to_padding)
    noise = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    conditions = {"context": text.hidden, "context_mask": text.mask}
    net: Callable[..., Tensor] = ours.denoise
    scale = {}
    with torch.no_grad():
        if guided:
            null = ours.null(2)
            net = Guidance(ours.denoise, 3.0, {"context": null.hidden, "context_mask": null.mask})
            scale = {"embedding_scale": 3.0}
        expected = theirs.sample(noise, num_steps=50, text=prompts, **scale)
        close(DDIM().sample(net, noise, num_steps=50, **conditions), expected, relative=1e-4)


@AUTOENCODERS
def test_an_autoencoder_there_and_back(authors: Authors, tmp_path: Path, transform: bool, mel: bool):
    theirs = autoencoder_of(authors, transform=transform, mel=mel)
    folder = imported(theirs, tmp_path, MEL_SETTINGS if mel else SETTINGS)
    settings = export_model(folder, tmp_path / "back.safetensors")
    comes_back(theirs, tmp_path, settings)


@pytest.mark.parametrize("changes", [{}, GUIDED, {**GUIDED, "use_embedding_cfg": False}, {"out_channels": 6}])
def test_a_generator_there_and_back(authors: Authors, tmp_path: Path, changes: dict):
    theirs = generator_of(authors, **changes)
    folder = imported(theirs, tmp_path, {"attention_heads": "3"})
    comes_back(theirs, tmp_path, export_model(folder, tmp_path / "back.safetensors"))


def comes_back(theirs: nn.Module, tmp_path: Path, settings: dict[str, str]) -> None:
    """The exported file fills their model, strictly, with what it had; and it can be imported again."""
    from safetensors.torch import load_file

    before = {key: tensor.clone() for key, tensor in theirs.state_dict().items()}
    back = load_file(tmp_path / "back.safetensors")
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
    theirs.load_state_dict(back, strict=True)
    for key, tensor in theirs.state_dict().items():
        torch.testing.assert_close(tensor, before[key], rtol=0, atol=1e-6)
    import_model(str(tmp_path / "back.safetensors"), tmp_path / "again", settings=settings)
    first, second = describe(tmp_path / "ours"), describe(tmp_path / "again")
    assert (first.autoencoder, first.latent_diffusion) == (second.autoencoder, second.latent_diffusion)


def test_their_decoder_takes_no_length_but_powers_of_two_ours_does(authors: Authors, tmp_path: Path):
    """Their noise has the power of two that is nearest to the length; anything else does not fit their latent."""
    theirs = autoencoder_of(authors, transform=True, mel=False)
    ours = load_autoencoder(imported(theirs, tmp_path, SETTINGS))
    latent = torch.zeros(1, 4, 12)
    with pytest.raises(AssertionError, match="Required context"):
        theirs.decode(latent, num_steps=1)
    assert ours.decode(latent, config=DecodingConfig(num_steps=1)).shape == (1, 2, 384)
