"""Parts of one's own: refused by name where something is lacking, saved by themselves, read by the class one passes."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dmae import DMAE, DMAEConfig
from mousai.codec import Codec
from mousai.conditioning.text import TextEmbedding
from mousai.errors import UserError
from mousai.pipeline import Mousai
from mousai.storage.folders import describe, load_autoencoder, load_latent_diffusion, model_folder, save_parts
from mousai.storage.parts import check_fit, check_part
from mousai.storage.weights import CheckpointError, load_config, load_state, save_module


class Letters(nn.Module):
    """A text encoder of one's own: each prompt is the mean of what its letters are."""

    features = 32
    max_tokens = 1

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.table = nn.Parameter(scale * torch.linspace(-1, 1, 256 * 32).sin().reshape(256, 32), requires_grad=False)

    def forward(self, prompts: Sequence[str], *, keep_padding: bool = False) -> TextEmbedding:
        rows = [self.table[list(prompt.encode()) or [0]].mean(dim=0) for prompt in prompts]
        return TextEmbedding(torch.stack(rows)[:, None], torch.ones(len(rows), 1, dtype=torch.bool))

    def save_pretrained(self, folder: Path) -> None:
        (folder / "letters.json").write_text(json.dumps(self.table.tolist()))

    @classmethod
    def from_pretrained(cls, folder: Path) -> "Letters":
        encoder = cls()
        encoder.table.copy_(torch.tensor(json.loads((folder / "letters.json").read_text())))
        return encoder


class Unsaved(nn.Module):
    """A text encoder that cannot be saved."""

    features = 32

    def forward(self, prompts: Sequence[str], *, keep_padding: bool = False) -> TextEmbedding:
        raise NotImplementedError


@pytest.fixture
def pipeline(saved_model: Path) -> Mousai:
    return Mousai.from_pretrained(saved_model, dtype="float32", device="cpu")


@pytest.fixture
def own_model(pipeline: Mousai, tmp_path: Path) -> Path:
    """A model folder whose text encoder is of its maker's own."""
    folder = tmp_path / "own"
    Mousai(Letters(2.0), pipeline.latent_diffusion, pipeline.autoencoder).save_pretrained(folder)
    return folder


def change_index(folder: Path, **values: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


SETTINGS = {"duration": 0.1, "num_inference_steps": 2, "decoder_steps": 1, "seed": 3}


def test_an_encoder_of_ones_own_is_saved_and_read_by_its_class(pipeline: Mousai, own_model: Path):
    expected = Mousai(Letters(2.0), pipeline.latent_diffusion, pipeline.autoencoder)("metal", **SETTINGS).audios
    again = Mousai.from_pretrained(own_model, text_encoder=Letters, dtype="float32", device="cpu")
    assert torch.equal(again("metal", **SETTINGS).audios, expected)
    given = Mousai.from_pretrained(own_model, text_encoder=Letters(5.0), dtype="float32", device="cpu")
    assert given.text_encoder.table.max() > 4
    assert describe(own_model).own == {"text_encoder": "Letters"}
    index = json.loads((own_model / "model_index.json").read_text())
    assert index["own"] == {"text_encoder": "Letters"} and "parts" not in index


def test_an_object_takes_the_place_of_what_the_folder_holds(saved_model: Path):
    encoder = Letters()
    assert Mousai.from_pretrained(saved_model, text_encoder=encoder, device="cpu").text_encoder is encoder


class Deep(DMAE):
    """An autoencoder of one's own, which reads and writes itself."""

    def save_pretrained(self, folder: Path) -> None:
        save_module(folder, self, self.config.to_dict())

    @classmethod
    def from_pretrained(cls, folder: Path) -> "Deep":
        deep = cls(DMAEConfig.from_dict(load_config(folder)))
        load_state(folder, deep)
        return deep.eval()


def test_a_codec_takes_an_autoencoder_of_ones_own(pipeline: Mousai, tmp_path: Path):
    own = Deep(pipeline.autoencoder.config)
    own.load_state_dict(pipeline.autoencoder.state_dict())
    save_parts(tmp_path / "m", {"autoencoder": own.eval()}, defaults=pipeline.defaults)
    assert describe(tmp_path / "m").own == {"autoencoder": "Deep"}
    codec = Codec.from_pretrained(tmp_path / "m", autoencoder=Deep, dtype="float32", device="cpu")
    assert type(codec.autoencoder) is Deep and codec.defaults == pipeline.defaults
    sound = torch.linspace(-1, 1, 2 * 4096).sin().reshape(1, 2, 4096)
    assert torch.equal(codec.encode(sound), pipeline.autoencoder.encode(sound))
    assert Codec.from_pretrained(tmp_path / "m", autoencoder=own, dtype="float32", device="cpu").autoencoder is own
    with pytest.raises(CheckpointError, match=r"pass it, from_pretrained\(\.\.\., autoencoder=Deep\)"):
        Codec.from_pretrained(tmp_path / "m", device="cpu")
    with pytest.raises(UserError, match="autoencoder: is of type Letters, which lacks encode, decode"):
        Codec.from_pretrained(tmp_path / "m", autoencoder=Letters(), device="cpu")


def test_no_class_is_imported_because_a_file_names_it(own_model: Path):
    with pytest.raises(CheckpointError) as caught:
        Mousai.from_pretrained(own_model, device="cpu")
    assert str(caught.value) == (
        f"{own_model / 'text_encoder'}: was written by a class Letters of its maker's own; pass it, "
        "from_pretrained(..., text_encoder=Letters)"
    )


def test_what_cannot_be_read_again_is_not_saved(pipeline: Mousai, tmp_path: Path):
    model = Mousai(Unsaved(), pipeline.latent_diffusion, pipeline.autoencoder)
    with pytest.raises(UserError, match="text_encoder: is of type Unsaved, which lacks save_pretrained and from_pretr"):
        model.save_pretrained(tmp_path / "m")
    assert not (tmp_path / "m").exists()
    with pytest.raises(UserError, match="text_encoder: is the class Unsaved, which has no from_pretrained"):
        Mousai.from_pretrained(_saved(pipeline, tmp_path / "n"), text_encoder=Unsaved, device="cpu")


def _saved(pipeline: Mousai, folder: Path) -> Path:
    save_parts(folder, pipeline.components, defaults=pipeline.defaults)
    return folder


@pytest.mark.parametrize("own", [["text_encoder"], {"vocoder": "X"}, {"text_encoder": 3}])
def test_an_index_that_names_own_parts_otherwise_is_refused(own_model: Path, own: object):
    change_index(own_model, own=own)
    with pytest.raises(CheckpointError, match=r"model_index\.json: own must map parts"):
        describe(own_model)


@pytest.mark.parametrize("parts", ["autoencoder", [], ["vocoder"], {}, None])
def test_an_index_that_names_its_parts_otherwise_is_refused(own_model: Path, parts: object):
    change_index(own_model, parts=parts)
    with pytest.raises(CheckpointError, match=r"model_index\.json: parts must be a list of some of text_encoder, "):
        describe(own_model)


def test_defaults_that_its_autoencoder_cannot_follow(own_model: Path):
    change_index(own_model, defaults={"griffin_lim": 3})
    assert describe(own_model).defaults.griffin_lim == 3
    config = own_model / "autoencoder" / "config.json"
    values = json.loads(config.read_text())
    values["decoder"]["levels"][0]["inject_channels"] = 0  # where the prior's estimate comes in
    config.write_text(json.dumps({**values, "prior": None}))
    with pytest.raises(CheckpointError, match="default griffin_lim=3 needs an autoencoder with a prior"):
        describe(own_model)


def test_a_model_is_a_folder_and_its_weights_are_floats(pipeline: Mousai, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file': is a file; give the folder that holds model_index\.json"):
        model_folder(tmp_path / "file")
    with pytest.raises(UserError, match=r"dtype='torch\.int8': cannot hold weights; give a floating-point dtype"):
        save_parts(tmp_path / "m", pipeline.components, defaults=pipeline.defaults, dtype=torch.int8)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("name", "load"), [("autoencoder", load_autoencoder), ("latent_diffusion", load_latent_diffusion)]
)
def test_a_part_of_its_makers_own_is_not_read_as_ours(own_model: Path, name: str, load: Callable[[Path], object]):
    change_index(own_model, own={name: "Deep"})
    with pytest.raises(CheckpointError, match=f"{name}: was written by a class Deep of its maker's own, whose sizes"):
        load(own_model)


def test_a_part_in_the_place_of_another_is_refused_by_name(pipeline: Mousai):
    text, latent_diffusion, autoencoder = pipeline.components.values()
    with pytest.raises(UserError, match="autoencoder: is of type LatentDiffusion, which lacks encode, decode"):
        Mousai(text, latent_diffusion, latent_diffusion)
    with pytest.raises(UserError, match="latent_diffusion: is of type DMAE, which lacks sample"):
        Mousai(text, autoencoder, autoencoder)
    with pytest.raises(UserError, match="text_encoder: is of type str, which lacks __call__, features"):
        Mousai("t5-base", latent_diffusion, autoencoder)
    with pytest.raises(UserError, match="text_encoder: is the class Letters; give an object of it"):
        check_part("text_encoder", Letters)


def test_parts_of_different_models_are_refused(pipeline: Mousai):
    text = Letters()
    parts = {"text_encoder": text, "latent_diffusion": pipeline.latent_diffusion}
    check_fit(parts)
    text.max_tokens = 65
    with pytest.raises(UserError, match="its null embedding has 64 tokens, the text encoder gives 65"):
        check_fit(parts)
    made = pipeline.autoencoder.config
    net = SimpleNamespace(in_channels=made.latent_channels, context_features=32)
    other = SimpleNamespace(sample=None, config=SimpleNamespace(net=net, max_tokens=0, frame_rate=made.latent_rate))
    check_fit({"latent_diffusion": other, "autoencoder": pipeline.autoencoder})
    net.in_channels += 1
    with pytest.raises(
        UserError, match=r"writes \d+ latent channels, the autoencoder reads \d+; they are of different"
    ):
        check_fit({"latent_diffusion": other, "autoencoder": pipeline.autoencoder})
    net.in_channels, other.config.frame_rate = made.latent_channels, 2 * made.latent_rate
    with pytest.raises(UserError, match=r"its frame_rate is [\d.]+, the autoencoder's latent has [\d.]+ frames a sec"):
        check_fit({"latent_diffusion": other, "autoencoder": pipeline.autoencoder})
    text.features = 31
    with pytest.raises(UserError, match="reads text of 32 features, the text encoder gives 31; they are of different"):
        check_fit(parts)
