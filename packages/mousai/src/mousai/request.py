"""A call of the pipeline, checked: everything that does not depend on the length of the piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from mousai.callbacks import StepEnd
from mousai.conditioning.attributes import MusicAttributes, check_known
from mousai.conditioning.control_plan import ControlPlan
from mousai.errors import UserError
from mousai.output import MousaiOutput
from mousai.sampling_config import SamplingConfig
from mousai.settings import settings_of

if TYPE_CHECKING:
    from mousai.codec import Codec


def check_negative(config: SamplingConfig) -> None:
    """Raise `UserError` where a negative prompt would not be used."""
    if config.guidance_scale == 1:
        hint = "uses no negative_prompt; give more, or leave it out"
        raise UserError("guidance_scale", config.guidance_scale, hint)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Request for the pieces of a call.

    Args:
        prompts: at least one.
        negatives: one for each prompt, or `None`.
        times: pieces for each prompt.
        seeds: one for each piece.
        config: all settings.
        attributes: what is known of the pieces beside the prompts, and counts for more.
        controls: chords, melody and form of the pieces; None where none are asked for.
        negative_prompt: as it was given, for the record.
        output_type: "pt", "np" or "latent".
        callback: the user's, called after each step.

    Raises:
        UserError: a negative prompt would not be used, or an attribute is impossible.
    """

    prompts: Sequence[str]
    negatives: Sequence[str] | None
    times: int
    seeds: tuple[int, ...]
    config: SamplingConfig
    attributes: MusicAttributes | None = None
    controls: ControlPlan | None = None
    negative_prompt: str | Sequence[str] | None = None
    output_type: str = "pt"
    callback: StepEnd | None = None

    def __post_init__(self) -> None:
        """Check what depends on the model's defaults, and what is known beside the prompts."""
        if self.attributes is not None:
            check_known(self.attributes)
        if self.negatives is not None:
            check_negative(self.config)

    def alone(self) -> "list[Request]":
        """Return a request for each piece, which knows nothing of the others."""
        own = [place // self.times for place in range(len(self.seeds))]
        return [
            replace(
                self,
                prompts=[self.prompts[prompt]],
                negatives=None if self.negatives is None else [self.negatives[prompt]],
                times=1,
                seeds=(seed,),
            )
            for prompt, seed in zip(own, self.seeds, strict=True)
        ]

    def steps(self, *, known: bool) -> int:
        """Steps of stage 2; where a part is known, by RePaint, all but the last are repeated."""
        count = self.config.num_inference_steps
        return (count - 1) * self.config.inpaint_resamples + 1 if known else count

    def stages(self, *, known: bool) -> dict[str, int]:
        """Steps of each stage, for the progress bars."""
        return {"latent_diffusion": self.steps(known=known), "decoder": self.config.rendering_steps}

    def output(
        self,
        codec: "Codec",
        audios: Tensor,
        *,
        sample_rate: int,
        settings: Mapping[str, Any],
        needed: str = "",
        bits: Literal[16, 24, 32] = 24,
        tempos: Sequence[float | None] = (),
    ) -> MousaiOutput:
        """Return the result of the call.

        Args:
            codec: the model.
            audios: waveforms, or latents.
            sample_rate: Hz.
            settings: further settings for the record.
            needed: argument that was given; settings that need another one are left out of the record.
            bits: see `MousaiOutput`.
            tempos: likewise.
        """
        negative = self.negative_prompt
        recorded = codec.recorded(self.config)
        for name, one in settings_of(type(self.config)).items():
            if one.needs and one.needs != needed:
                del recorded[one.stored_as(name)]
        lists = self.negative_prompt is not None and not isinstance(self.negative_prompt, str)
        beside = "attributes" if self.attributes is not None else "negative_prompt" if lists else None
        return MousaiOutput(
            audios=audios.cpu().numpy() if self.output_type == "np" else audios,
            sample_rate=sample_rate,
            seeds=self.seeds,
            prompts=tuple(one for one in self.prompts for _ in range(self.times)),
            tempos=tuple(tempos),
            settings={
                "negative_prompt": negative if isinstance(negative, str | None) else list(negative),
                **settings,
                "beside_prompt": settings.get("beside_prompt") or beside,
                **({} if self.controls is None else self.controls.written()),
                **recorded,
            },
            output_type=self.output_type,
            bits=bits,
        )
