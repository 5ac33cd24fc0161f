"""What is heard in a noisy latent: the lead, the key, and which caption it has."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mousai.conditions import Stated
from mousai.latent_classifier_config import LatentClassifierConfig
from mousai.leads import LEADS
from unet1d import TimeEmbedding
from vdiffusion import ClassifierGuidance, Net, to_noisy

KEYS = 24
"""Twelve in major, then twelve in minor."""
OTHERS = 64
"""Captions that are remembered, to compare a prompt with."""
STRETCH = 256
"""Latent frames of which each stretch of a long piece has about as many."""
SCORED_AT = (0.0, 0.3, 0.5, 0.7)
"""Diffusion times at which a finished latent is heard."""
LED = (0.3, 0.97)
"""Diffusion times between which it leads."""
_NONE = -100
_PLACE = {lead: place for place, lead in enumerate(LEADS)}


@dataclass(frozen=True)
class Recognised:
    """What the classifier makes of latents.

    Args:
        lead: logits [B, families of `mousai.leads.LEADS`].
        key: logits [B, 24].
        text: [B, text_features], of length 1, to be compared with `embed` of captions.
    """

    lead: Tensor
    key: Tensor
    text: Tensor


class LatentClassifier(nn.Module):
    """A small classifier of noisy latents, to choose from what the generator draws, or to lead it by.

        x_t ── convolution ── blocks of rising dilation ── attentive pooling, once for each answer ──┬── lead
               diffusion time ──┘                                                                   ├── key
                                                                                                    └── text ─┐
        tokens of a caption ── embedding ── mean ── linear ─────────────────────────────────── cosine, softmax

    It learns from the same songs as the generator, much faster: telling one lead from another is all its loss, of the
    generator's it is a fiftieth. Lead and key are learned from what is known of the songs; captions as in CLIP (Radford
    et al., 2103.00020), each against those of the other songs of its batch. The caption is read as a bag of words, less
    what it says of key and lead (`mousai.conditions.unstated`): with these in it, it told little of the style.

    Args:
        config: all sizes.
    """

    others: Tensor

    def __init__(self, config: LatentClassifierConfig) -> None:
        super().__init__()
        self.config = config
        width, queries = config.width, config.queries
        self.time = TimeEmbedding(config.time_features, fourier_features=16)
        self.to_in = nn.Conv1d(config.latent_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            _Block(width, dilation, time_features=config.time_features) for dilation in config.dilations
        )
        self.norm = nn.GroupNorm(8, width)
        self.to_query = nn.Conv1d(width, 3 * queries, 1)
        self.drop = nn.Dropout(0.2)
        self.to_lead = nn.Linear(width * queries, len(LEADS))
        self.to_key = nn.Linear(width * queries, KEYS)
        self.to_text = nn.Linear(width * queries, config.text_features)
        self.words = nn.Embedding(config.vocabulary, config.text_features)
        self.mix = nn.Linear(config.text_features, config.text_features)
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("others", torch.zeros(OTHERS, config.text_features))

    def forward(self, x_t: Tensor, t: Tensor, mask: Tensor | None = None) -> Recognised:
        """Recognise.

        Args:
            x_t: noisy latent / latent_std [B, C, L].
            t: diffusion time [B].
            mask: bool [B, 1, L], where there is music and not padding; by default everywhere.
        """
        told = self.time(t)
        h = self.to_in(x_t)
        for block in self.blocks:
            h = block(h, told)
        h = F.silu(self.norm(h))
        query = self.to_query(h)
        if mask is not None:
            query = query.masked_fill(~mask, -torch.inf)
        weight = query.softmax(-1).unflatten(1, (3, self.config.queries))
        seen = self.drop(torch.einsum("bkql,bcl->bkqc", weight, h).flatten(2))
        lead, key, text = seen.unbind(1)
        return Recognised(self.to_lead(lead), self.to_key(key), F.normalize(self.to_text(text), dim=1))

    def embed(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Captions, tokens [B, N] and where they are some, bool [B, N] -> [B, text_features] of length 1."""
        count = mask.sum(1, keepdim=True).clamp(min=1)
        mean = (self.words(tokens) * mask[..., None]).sum(1) / count
        return F.normalize(self.mix(F.silu(mean)) + mean, dim=1)

    def loss(
        self,
        latent: Tensor,
        tokens: Tensor,
        token_mask: Tensor,
        stated: Sequence[Stated],
        *,
        t: Tensor,
        noise: Tensor,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of lead, key and caption.

        Args:
            latent: [B, C, L], what the autoencoder's `encode` gives.
            tokens: of the captions [B, N].
            token_mask: bool [B, N], which are some.
            stated: what is known of the songs; those without a lead or a key do not count for it.
            t: diffusion times [B].
            noise: like `latent`.
            mask: bool [B, 1, L], where there is music.

        Returns:
            The loss, a scalar, and its parts and the shares of right answers by name.
        """
        heard = self(to_noisy(latent / self.config.latent_std, noise, t), t, mask)
        text = self.embed(tokens, token_mask)
        lead, key = _places(stated, latent.device)
        alike = self.log_scale.exp() * heard.text @ text.T
        own = torch.arange(len(text), device=text.device)
        parts = {
            "lead": _cross_entropy(heard.lead, lead),
            "key": _cross_entropy(heard.key, key),
            "text": (F.cross_entropy(alike, own) + F.cross_entropy(alike.T, own)) / 2,
        }
        if self.training:
            with torch.no_grad():
                self.others.copy_(torch.cat([text.to(self.others), self.others])[:OTHERS])
        right = {
            f"right/{name}": (logits.argmax(1) == place)[place >= 0].float().mean()
            for name, logits, place in (("lead", heard.lead, lead), ("key", heard.key, key))
            if bool((place >= 0).any())
        }
        figures = {name: value.detach() for name, value in (parts | right).items()}
        return sum(parts.values(), torch.zeros_like(parts["text"])), figures

    def log_probability(
        self, x_t: Tensor, t: Tensor, *, stated: Sequence[Stated], text: Tensor | None = None
    ) -> Tensor:
        """How likely each latent has the lead, the key and the caption that are asked for, as far as they are.

        Args:
            x_t: noisy latent / latent_std [B, C, L]; a long one is heard in stretches, of which each must have them.
            t: diffusion time [B].
            stated: what is asked for.
            text: `embed` of the prompts [B, text_features], to be compared with the captions that were learned last; by
                default no caption is asked for.

        Returns:
            The sum of the logarithms [B].
        """
        batch, channels, frames = x_t.shape
        stretches = max(round(frames / STRETCH), 1)
        size = -(-frames // stretches)
        starts = [min(k * size, frames - size) for k in range(stretches)]
        cut = torch.stack([x_t[..., start : start + size] for start in starts], dim=1)
        heard = self(cut.reshape(batch * stretches, channels, size), t.repeat_interleave(stretches))
        lead, key = (place.repeat_interleave(stretches) for place in _places(stated, x_t.device))
        total = torch.zeros(len(lead), device=x_t.device)
        if text is not None:
            captions = torch.cat([text[:, None], self.others.to(text).expand(batch, -1, -1)], dim=1)
            captions = captions.repeat_interleave(stretches, dim=0)
            alike = self.log_scale.exp() * torch.einsum("bf,bkf->bk", heard.text, captions)
            total = alike.log_softmax(1)[:, 0]
        for logits, place in ((heard.lead, lead), (heard.key, key)):
            chosen = logits.log_softmax(1).gather(1, place.clamp(min=0)[:, None])[:, 0]
            total = total + torch.where(place >= 0, chosen, 0)
        return total.view(batch, stretches).sum(1)

    @torch.no_grad()
    def score(self, latent: Tensor, *, stated: Sequence[Stated], text: Tensor) -> Tensor:
        """`log_probability` of finished latents [B, C, L], the mean over some noise of `SCORED_AT`: [B].

        Noise, the same for every latent, takes what is too fine for the autoencoder to have made it on purpose.
        """
        x = latent.float() / self.config.latent_std
        noise = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(0)).to(x.device).expand_as(x)
        times = [torch.full((len(x),), t, device=x.device) for t in SCORED_AT]
        return torch.stack(
            [self.log_probability(to_noisy(x, noise, t), t, stated=stated, text=text) for t in times]
        ).mean(0)

    def leading(self, net: Net, scale: float, *, stated: Sequence[Stated]) -> Net:
        """A net that is led to the leads that are asked for, see `vdiffusion.ClassifierGuidance`, at times in `LED`.

        Only to them: led by its key and its text as well, pieces lost more of style and tempo than they gained.
        """
        only = [Stated(lead=one.lead) for one in stated]
        if not scale or not any(one.lead for one in only):
            return net
        return ClassifierGuidance(
            net, scale, lambda x_t, t: self.log_probability(x_t, t, stated=only), above=LED[0], below=LED[1]
        )


class _Block(nn.Module):
    """x -> x + f(x, time), f = GroupNorm, + Linear(time), SiLU, dilated convolution, SiLU, Linear."""

    def __init__(self, width: int, dilation: int, *, time_features: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.told = nn.Linear(time_features, width)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.drop = nn.Dropout(0.1)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """[B, C, L] and [B, time_features] -> [B, C, L]."""
        h = F.silu(self.norm(x) + self.told(told)[:, :, None])
        mixed: Tensor = self.mix(self.drop(F.silu(self.conv(h))))
        return x + mixed


def _places(stated: Sequence[Stated], device: torch.device) -> tuple[Tensor, Tensor]:
    """Classes of lead and key, -100 where nothing is stated."""
    leads = [_NONE if one.lead is None else _PLACE[one.lead] for one in stated]
    keys = [_NONE if one.key is None else one.key[0] + 12 * one.key[1] for one in stated]
    return torch.tensor(leads, device=device), torch.tensor(keys, device=device)


def _cross_entropy(logits: Tensor, place: Tensor) -> Tensor:
    """The mean over the items that have a class; 0 where none has."""
    known = (place >= 0).sum().clamp(min=1)
    return F.cross_entropy(logits, place, ignore_index=_NONE, reduction="sum") / known
