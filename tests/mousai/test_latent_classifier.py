"""What is heard in latents: learned, asked in stretches, and chosen by."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mousai.choosing import APART, draw_and_choose
from mousai.conditions import Stated
from mousai.errors import UserError
from mousai.folders import check_fit, describe
from mousai.latent_classifier import KEYS, OTHERS, STRETCH, LatentClassifier
from mousai.latent_classifier_config import LatentClassifierConfig
from mousai.leads import LEADS
from mousai.pipeline import Mousai

SIZES = LatentClassifierConfig(
    latent_channels=4, vocabulary=10, latent_std=0.5, width=16, dilations=(1, 2), text_features=8, time_features=8
)
FLUTE, PIANO = Stated(lead="flute", key=(0, False)), Stated(lead="piano", key=(9, True))


def untrained() -> LatentClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LatentClassifier(SIZES).eval()


def songs(count: int, seed: int, frames: int = 24) -> tuple[Tensor, list[Stated], Tensor, Tensor]:
    """Latents of two kinds, whose first channel tells lead and key, and the word of their captions."""
    draw = torch.Generator().manual_seed(seed)
    latent = 0.5 * torch.randn(count, 4, frames, generator=draw)
    kind = torch.arange(count) % 2
    latent[:, 0] += torch.where(kind == 0, 1.0, -1.0)[:, None]
    tokens = torch.stack([kind + 3, torch.full_like(kind, 9)], dim=1)
    return latent, [FLUTE if one == 0 else PIANO for one in kind.tolist()], tokens, torch.ones_like(tokens).bool()


@pytest.fixture(scope="module")
def trained() -> LatentClassifier:
    model = untrained().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    draw = torch.Generator().manual_seed(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of what is dropped
        for step in range(150):
            latent, stated, tokens, mask = songs(8, seed=step)
            t, noise = 0.8 * torch.rand(8, generator=draw), torch.randn(latent.shape, generator=draw)
            loss, _ = model.loss(latent, tokens, mask, stated, t=t, noise=noise)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def test_it_starts_by_knowing_nothing() -> None:
    latent, stated, tokens, mask = songs(6, seed=0)
    loss, parts = untrained().loss(latent, tokens, mask, stated, t=torch.zeros(6), noise=torch.zeros_like(latent))
    assert float(parts["lead"]) == pytest.approx(math.log(len(LEADS)), abs=0.4)
    assert float(parts["key"]) == pytest.approx(math.log(KEYS), abs=0.4)
    assert float(loss.detach()) == pytest.approx(sum(float(parts[name]) for name in ("lead", "key", "text")))


def test_it_learns_lead_key_and_caption_of_songs_that_it_has_not_heard(trained: LatentClassifier) -> None:
    latent, stated, tokens, mask = songs(40, seed=1000)
    text = trained.embed(tokens, mask)
    right = trained.score(latent, stated=stated, text=text)
    other = [PIANO if one is FLUTE else FLUTE for one in stated]
    for wrong, asked in ((stated, text.roll(1, 0)), (other, text), ([Stated()] * 40, text.roll(1, 0))):
        kept = right if any(one.lead for one in wrong) else trained.score(latent, stated=wrong, text=text)
        assert float((kept > trained.score(latent, stated=wrong, text=asked)).float().mean()) > 0.95
    _, parts = trained.loss(latent, tokens, mask, stated, t=torch.full((40,), 0.3), noise=torch.randn_like(latent))
    assert float(parts["right/lead"]) > 0.9 and float(parts["right/key"]) > 0.9


def test_what_is_not_known_of_a_song_is_no_loss() -> None:
    latent, _, tokens, mask = songs(4, seed=0)
    t, noise = torch.zeros(4), torch.zeros_like(latent)
    _, parts = untrained().loss(latent, tokens, mask, [Stated()] * 4, t=t, noise=noise)
    assert float(parts["lead"]) == float(parts["key"]) == 0
    assert "right/lead" not in parts
    _, one = untrained().loss(latent, tokens, mask, [FLUTE, Stated(), Stated(), Stated()], t=t, noise=noise)
    _, alone = untrained().loss(latent[:1], tokens[:1], mask[:1], [FLUTE], t=t[:1], noise=noise[:1])
    torch.testing.assert_close(one["lead"], alone["lead"])


def test_padding_is_not_heard() -> None:
    latent, *_ = songs(3, seed=0, frames=20)
    model = untrained()
    for part in (model, *model.blocks):
        part.norm = nn.Identity()  # which is over padding too
    mask = torch.arange(20)[None, None] < torch.tensor([8, 14, 20])[:, None, None]
    with torch.no_grad():
        heard = model(latent, torch.zeros(3), mask)
        louder = model(torch.where(torch.arange(20) >= 17, 0, latent), torch.zeros(3), mask)
    changed = (heard.lead - louder.lead).abs().amax(1)
    # The reach of the convolutions is four frames, so only the third song notices.
    assert float(changed[2]) > 1e-3 and float(changed[0]) == 0


def test_a_long_piece_is_heard_in_stretches(trained: LatentClassifier) -> None:
    latent, stated, tokens, mask = songs(2, seed=5, frames=2 * STRETCH)
    text, t = trained.embed(tokens, mask), torch.full((2,), 0.2)
    halves = [
        trained.log_probability(latent[..., first : first + STRETCH], t, stated=stated, text=text)
        for first in (0, STRETCH)
    ]
    torch.testing.assert_close(trained.log_probability(latent, t, stated=stated, text=text), sum(halves))
    # Of an odd length too, and with a gradient for every frame.
    odd = latent[..., : 2 * STRETCH - 3].requires_grad_(True)
    trained.log_probability(odd, t, stated=stated, text=text).sum().backward()
    assert odd.grad is not None and bool((odd.grad.abs().sum((0, 1)) > 0).all())


def test_captions_are_remembered_while_it_learns(trained: LatentClassifier) -> None:
    assert trained.others.shape == (OTHERS, 8)
    torch.testing.assert_close(trained.others.norm(dim=1), torch.ones(OTHERS))
    before = trained.others.clone()
    latent, stated, tokens, mask = songs(4, seed=0)
    trained.loss(latent, tokens, mask, stated, t=torch.zeros(4), noise=torch.zeros_like(latent))
    assert torch.equal(trained.others, before)  # not while it is asked


def test_the_choice_is_what_scores_best(trained: LatentClassifier) -> None:
    latent, stated, tokens, mask = songs(4, seed=7)
    other = latent.roll(1, 0)  # of the other kind, each
    asked: list[list[int]] = []

    def draw(items: Sequence[int], number: int) -> Tensor:
        asked.append(list(items))
        good = torch.tensor([number == place % 3 for place in range(4)])[:, None, None]
        return torch.where(good, latent, other)

    chosen = draw_and_choose(draw, trained, items=4, candidates=3, stated=stated, tokens=(tokens, mask))
    assert torch.equal(chosen, latent)
    assert asked == [[item + number * APART for item in range(4)] for number in range(3)]


def test_a_single_candidate_needs_no_classifier() -> None:
    latent, stated, tokens, mask = songs(2, seed=0)
    drawn = draw_and_choose(lambda items, _: latent, None, items=2, candidates=1, stated=stated, tokens=(tokens, mask))
    assert drawn is latent


def test_a_net_is_led_to_the_lead_and_to_nothing_else(trained: LatentClassifier) -> None:
    still = lambda x_t, t: torch.zeros_like(x_t)  # noqa: E731
    assert trained.leading(still, 0.0, stated=[FLUTE]) is still
    assert trained.leading(still, 5.0, stated=[Stated(key=(0, False))]) is still
    noise, t = torch.randn(2, 4, 24, generator=torch.Generator().manual_seed(0)), torch.full((2,), 0.5)
    led = trained.leading(still, 2.0, stated=[FLUTE, Stated(key=(0, False))])(noise, t)
    assert float(led[0].abs().max()) > 0 and torch.equal(led[1], torch.zeros(4, 24))
    # At 0.5 alpha and sigma are one: v is less by twice the gradient, which makes the lead likelier.
    with torch.no_grad():
        asked = [Stated(lead="flute")] * 2
        nearer, farther = (trained.log_probability(x_t, t, stated=asked)[0] for x_t in (noise - 0.1 * led, noise))
    assert float(nearer) > float(farther)
    for outside in (0.2, 0.98):
        assert torch.equal(trained.leading(still, 2.0, stated=[FLUTE] * 2)(noise, torch.full((2,), outside)), noise * 0)


@pytest.fixture(scope="module")
def with_classifier(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline = Mousai.from_pretrained(saved_model, dtype="float32")
    config = LatentClassifierConfig(latent_channels=8, vocabulary=len(pipeline.text_encoder.tokenizer), width=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pipeline.classifier = LatentClassifier(config).eval()
    folder = tmp_path_factory.mktemp("models") / "with-classifier"
    pipeline.save_pretrained(folder)
    return folder


def test_a_model_keeps_its_classifier(with_classifier: Path, saved_model: Path) -> None:
    described = describe(with_classifier)
    assert described.parts == ("text_encoder", "generator", "autoencoder", "classifier")
    assert described.classifier is not None and described.classifier.width == 16
    assert describe(saved_model).classifier is None and Mousai.from_pretrained(saved_model).classifier is None
    again = Mousai.from_pretrained(with_classifier, dtype="float32").classifier
    assert again is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for name, weight in LatentClassifier(described.classifier).named_parameters():
            torch.testing.assert_close(dict(again.named_parameters())[name], weight)


def test_the_first_candidate_is_what_one_alone_would_be(with_classifier: Path) -> None:
    pipeline = Mousai.from_pretrained(with_classifier, dtype="float32")
    settings = {"duration": 0.2, "seed": 3, "num_waveforms_per_prompt": 2}
    assert pipeline.classifier is not None
    told: list[tuple[str, int, int]] = []
    choices = []
    for wanted in range(3):
        scores = iter(torch.eye(3)[wanted].tolist())
        pipeline.classifier.score = lambda latent, **_: torch.full((len(latent),), next(scores))  # type: ignore[method-assign]  # noqa: B023
        made = pipeline("jazz", num_candidates=3, callback_on_step_end=lambda *step: told.append(step), **settings)
        choices.append(made.audios)
    one = pipeline("jazz", num_candidates=1, **settings).audios
    assert torch.equal(choices[0], one)
    assert all(float((a - b).abs().max()) > 0.01 for a, b in ((choices[0], choices[1]), (choices[1], choices[2])))
    assert [step for stage, step, total in told[:11] if stage == "generator" and total == 9] == [*range(1, 10)]


def test_guidance_by_the_classifier_changes_pieces_that_name_a_lead(with_classifier: Path) -> None:
    pipeline = Mousai.from_pretrained(with_classifier, dtype="float32")
    settings = {"duration": 0.2, "seed": 3}
    for prompt, changed in (("jazz, flute", True), ("jazz, 100 bpm", False)):
        plain, led = (pipeline(prompt, classifier_guidance=scale, **settings).audios for scale in (0.0, 50.0))
        assert bool((plain != led).any()) == changed


def test_refuses_to_choose_without_a_classifier(saved_model: Path, with_classifier: Path) -> None:
    pipeline = Mousai.from_pretrained(saved_model)
    with pytest.raises(UserError, match="num_candidates=2: this model has no classifier; train one"):
        pipeline("jazz", duration=0.1, num_candidates=2)
    with pytest.raises(UserError, match="classifier_guidance=5: this model has no classifier; train one"):
        pipeline("jazz", duration=0.1, classifier_guidance=5.0)
    with pytest.raises(UserError, match="classifier_guidance=-1: must be 0 to 100; 0 is none, 5 to 15 are usual"):
        pipeline("jazz", duration=0.1, classifier_guidance=-1.0)
    for count in (0, 65):
        with pytest.raises(UserError, match=f"num_candidates={count}: must be 1 to 64"):
            Mousai.from_pretrained(with_classifier)("jazz", duration=0.1, num_candidates=count)


def test_parts_that_do_not_fit_are_refused(with_classifier: Path) -> None:
    pipeline = Mousai.from_pretrained(with_classifier)
    for sizes, message in (
        ({"latent_channels": 4, "vocabulary": 10}, "the classifier reads 4 latent channels, the autoencoder writes 8"),
        ({"latent_channels": 8, "vocabulary": 10}, r"the classifier knows 10 tokens, the tokenizer \d+; they are of"),
    ):
        parts = {
            "text_encoder": pipeline.text_encoder,
            "autoencoder": pipeline.autoencoder,
            "classifier": LatentClassifier(LatentClassifierConfig(**sizes)),
        }
        with pytest.raises(UserError, match=message):
            check_fit(parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 12}, "LatentClassifierConfig: width must be a multiple of 8, not 12"),
        ({"queries": 0}, "queries must be 1 or more, not 0"),
        ({"dilations": []}, "dilations must be one or more numbers"),
        ({"dilations": 3}, "dilations must be a list, not 3"),
        ({"latent_std": 0}, "latent_std must be a number above 0, not 0"),
        ({"heads": 3}, "unknown key 'heads'"),
    ],
)
def test_impossible_sizes_are_refused(change: dict[str, object], message: str) -> None:
    assert LatentClassifierConfig.from_dict(SIZES.to_dict()) == SIZES
    with pytest.raises(ValueError, match=message):
        LatentClassifierConfig.from_dict({**SIZES.to_dict(), **change})
