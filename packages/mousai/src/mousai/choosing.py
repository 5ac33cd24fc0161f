"""Of several latents that are drawn for a piece, the one in which the classifier hears most of what is asked for."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mousai.conditions import Stated
from mousai.latent_classifier import LatentClassifier

APART = 2**20
"""Candidate c of item i has the noise of item i + c * APART: so the first one is what one alone would be."""


def draw_and_choose(
    draw: Callable[[Sequence[int], int], Tensor],
    classifier: LatentClassifier | None,
    *,
    items: int,
    candidates: int,
    stated: Sequence[Stated],
    tokens: tuple[Tensor, Tensor],
) -> Tensor:
    """Draw latents, and keep one for each item.

    So AudioLDM (Liu et al., 2301.12503) ranks what it draws by CLAP; here no sound has to be decoded for it. One
    candidate after the other, so that memory is needed for one.

    Args:
        draw: numbers of the items and of the candidate -> their latents [items, C, L].
        classifier: not asked, and not needed, for a single candidate.
        items: how many.
        candidates: for each.
        stated: what is asked for of each item.
        tokens: of the prompts less key and lead, and where they are some, [items, N] both.

    Returns:
        [items, C, L].
    """
    drawn = [draw([item + APART * number for item in range(items)], number) for number in range(candidates)]
    if candidates == 1:
        return drawn[0]
    assert classifier is not None
    device = next(classifier.parameters()).device
    text = classifier.embed(*(part.to(device) for part in tokens))
    scores = torch.stack([classifier.score(latent, stated=stated, text=text) for latent in drawn])
    return torch.stack(drawn)[scores.argmax(0), torch.arange(items, device=drawn[0].device)]
