"""Settings of decoding: how a latent becomes a waveform."""

from dataclasses import dataclass, field

from dmae.checks import require_whole
from vdiffusion import DDIM, Sampler


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """Settings of `DMAE.decode`.

    With `griffin_lim`, what the net would estimate above the time `start` is replaced by an initial estimate: a
    waveform with the magnitudes that the latent holds, and phases from that many iterations. The diffusion starts from
    it plus noise, as in GLA-Grad++ (arXiv 2511.22293), and is left the phases and the details. Without any steps the
    estimate is the result.

    Args:
        num_steps: denoising steps from `start` to 0; 0 = no diffusion, only with `griffin_lim`.
        sampler: sampler of the diffusion, deterministic DDIM by default.
        griffin_lim: iterations of Griffin-Lim whose result is wanted, 0 = none; needs a magnitude prior. 32 are done as
            24 in the bass and 2 over everything (`dmae.phase.initial_estimate`).
        start: diffusion time in (0, 1] at which sampling starts; below 1 only with `griffin_lim`.
        window_frames: latent frames that are decoded at once. A longer latent goes window by window; where it starts
            below time 1, with a sampler that draws no noise, memory does not grow with the length (`dmae.decode`).

    Raises:
        ValueError: a value is impossible, or two do not fit; names it and says what would do.
    """

    num_steps: int = 20
    sampler: Sampler = field(default_factory=DDIM)
    griffin_lim: int = 0
    start: float = 1.0
    window_frames: int = 256

    def __post_init__(self) -> None:
        """Check every value and how the values fit together."""
        name = "DecodingConfig"
        require_whole(name, "num_steps", self.num_steps, least=0)
        require_whole(name, "griffin_lim", self.griffin_lim, least=0)
        require_whole(name, "window_frames", self.window_frames, least=16)
        if not callable(getattr(self.sampler, "sample", None)):
            raise ValueError(
                f"{name}: sampler must have a method `sample`, such as vdiffusion.DDIM(), not {self.sampler!r}"
            )
        if isinstance(self.start, bool) or not isinstance(self.start, int | float) or not 0 < self.start <= 1:
            raise ValueError(f"{name}: start must be a time above 0, up to 1, not {self.start!r}")
        if not self.num_steps and not self.griffin_lim:
            raise ValueError(
                f"{name}: num_steps=0 leaves only the initial estimate; give griffin_lim=1 or more iterations, or "
                "num_steps=1 or more"
            )
        if self.start < 1 and not self.griffin_lim:
            raise ValueError(
                f"{name}: start={self.start:g} needs an initial estimate; give griffin_lim=1 or more iterations, or "
                "start=1"
            )
