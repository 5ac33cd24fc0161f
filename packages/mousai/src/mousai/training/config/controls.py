"""Controls that stage 2 is trained with, and how often each is told."""

from dataclasses import dataclass

from mousai.conditioning.control_signal import CONTROLS
from mousai.errors import UserError
from mousai.training.config.checks import check_probability


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    """Chords, melody, section and the known part of a latent, as stage 2 reads them.

    Args:
        channels: controls that the model gets beside those that it has: some of chords, melody, section and known. They
            begin at zero weight, so that at first nothing changes.
        chords_dropout: chance that a crop is trained on without its chords.
        melody_dropout: chance that a crop is trained on without its melody.
        section_dropout: chance that a crop is trained on without its sections.
        controls_dropout: chance that a crop is trained on without its chords, melody and sections together, beside the
            chances of each. Where chords tell the key of nearly every crop, a model unlearns the key of its prompt.
        train_only: train the weights that read these channels and nothing else. A piece without these controls stays
            what the model of --from makes.
        known_share: share of crops of which a part is known: a beginning, an end, or all but a gap or some gaps.
    """

    channels: tuple[str, ...] = ()
    chords_dropout: float = 0.3
    melody_dropout: float = 0.5
    section_dropout: float = 0.5
    controls_dropout: float = 0.5
    known_share: float = 0.5
    train_only: bool = False

    def __post_init__(self) -> None:
        """Check every value."""
        given = self.channels
        if any(name not in CONTROLS or given.count(name) > 1 for name in given):
            raise UserError("controls.channels", list(given), f"must be some of {', '.join(CONTROLS)}, each once")
        object.__setattr__(self, "channels", tuple(given))
        if self.train_only and not given:
            raise UserError("controls.train_only", True, "needs controls.channels, whose weights are trained")
        for name in ("chords_dropout", "melody_dropout", "section_dropout", "controls_dropout", "known_share"):
            check_probability(f"controls.{name}", getattr(self, name))
