"""The settings of sampling: one dataclass, from whose fields Python's arguments and the command line's options come.

A new setting is one more field of `SamplingConfig`. It is then an argument of `Mousai.__call__`, an option of
`mousai generate`, a default that a model folder can store, a line in the metadata of each file, and it is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError
from mousai.settings import refuse_unknown, setting, settings_of

if TYPE_CHECKING:
    from vdiffusion import Sampler


def _sampler_names() -> Sequence[str]:
    from vdiffusion import SAMPLER_NAMES

    return SAMPLER_NAMES


def _is_sampler(value: Any) -> bool:
    from vdiffusion import Sampler

    return isinstance(value, Sampler) and not isinstance(value, type)


def _grid_names() -> Sequence[str]:
    from vdiffusion import TIME_GRID_NAMES

    return TIME_GRID_NAMES


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Settings of sampling. A model folder stores those that the model is best run with.

    Raises:
        UserError: a value is impossible; one line with the field, the value and what would do.
    """

    num_inference_steps: int = setting(
        50,
        help="denoising steps of stage 2, which composes; more take longer and may be better",
        stage="latent_diffusion",
        low=1,
        high=1000,
        option="--steps",
    )
    guidance_scale: float = setting(
        3.0,
        help="how closely the music keeps to the prompt: 1 freely, 3 to 7 closely",
        stage="latent_diffusion",
        high=100,
        usual="1 is no guidance, 3 to 7 are usual",
        metavar="G",
    )
    attribute_guidance_scale: float = setting(
        0.0,
        help="further weight of the key and the lead instrument that the prompt names: 0 none, 2 to 5 much",
        stage="latent_diffusion",
        high=100,
        usual="0 is none, 2 to 5 are usual",
        metavar="G",
    )
    sampler: "str | Sampler" = setting(
        "ddim",
        help="sampler of stage 2: ddim (plain), dpmpp_2m (closer to the end result in few steps), heun (likewise; a "
        "step takes twice as long), or with fresh noise at every step: dpmpp_2m_sde, euler_ancestral",
        stage="latent_diffusion",
        metavar="NAME",
        choices=_sampler_names,
        accepts=_is_sampler,
    )
    time_grid: str = setting(
        "uniform",
        help="where the steps of stage 2 lie: uniform (evenly), cosine (closer together at the start and the end), "
        "karras, log_snr (most of them where the details are decided)",
        stage="latent_diffusion",
        metavar="NAME",
        choices=_grid_names,
    )
    strength: float = setting(
        0.7,
        help="how much of the recording in init_audio is replaced, 0 (nothing) to 1 (all of it)",
        stage="latent_diffusion",
        high=1,
        metavar="X",
        needs="init_audio",
    )
    inpaint_resamples: int = setting(
        4,
        help="how often each step is repeated to fit new music to the recording in inpaint_audio",
        stage="latent_diffusion",
        low=1,
        high=100,
        usual="1 is fastest, 4 to 10 are usual",
        needs="inpaint_audio",
    )
    decoder_steps: int = setting(
        20,
        help="denoising steps of the decoder, which turns the latent into sound; 0: none, Griffin-Lim's sound as it is",
        stage="decoder",
        high=1000,
    )
    griffin_lim: int = setting(
        0,
        help="Griffin-Lim iterations before the decoder's diffusion, from the latent's magnitudes; 0: none",
        stage="decoder",
        high=1000,
        usual="0 is none, 8 to 32 are usual",
    )
    decoder_start: float = setting(
        1.0,
        help="diffusion time from which the decoder goes on after Griffin-Lim, above 0 to 1",
        stage="decoder",
        high=1,
        above=True,
        metavar="T",
    )

    exact: bool = setting(
        False,
        help="the same bytes whatever is made beside it and whatever the number of threads, on one kind of CPU: each "
        "piece alone, in float32, in one thread, so without the speed of the other cores",
        stage="latent_diffusion",
    )

    def __post_init__(self) -> None:
        """Check every field, and those together that depend on each other."""
        for name, one in settings_of(type(self)).items():
            object.__setattr__(self, name, one.check(name, getattr(self, name)))
        if not self.decoder_steps and not self.griffin_lim:
            also = ", and decoder_start 1" if self.decoder_start < 1 else ""
            raise UserError("decoder_steps", 0, f"must be 1 or more where griffin_lim is 0{also}")
        if self.decoder_start < 1 and not self.griffin_lim:
            raise UserError("decoder_start", self.decoder_start, "must be 1 where griffin_lim is 0")
        self._check_grid()

    def _check_grid(self) -> None:
        from vdiffusion import time_grid

        if not self.strength:  # nothing is sampled
            return
        try:
            times = time_grid(self.num_inference_steps, start=self.strength, kind=self.time_grid)
            falls = bool((times.float().diff() < 0).all())  # as the samplers, which compute in float32, need it
        except ValueError:
            falls = False
        if not falls:
            hint = f"is too little for the time grid {self.time_grid!r}; give more, or 'uniform'"
            raise UserError("strength", self.strength, hint)

    @property
    def rendering_steps(self) -> int:
        """Steps that decoding tells of: those of its diffusion, or one where there are none."""
        return max(self.decoder_steps, 1)

    def updated(self, changes: Mapping[str, Any]) -> "SamplingConfig":
        """Return a copy with the changes whose value is not `None`.

        Raises:
            UserError: there is no such field (with the nearest that there is), or a value is impossible.
        """
        refuse_unknown(changes, type(self))
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def changed(self, texts: Sequence[str]) -> "SamplingConfig":
        """Return a copy with some fields given as NAME=VALUE, as on a command line.

        Raises:
            UserError: there is no such field, or the value is impossible.
        """
        known = settings_of(type(self))
        values: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals or name not in known:
                raise UserError("settings", text, f"must be NAME=VALUE, the name one of {', '.join(known)}")
            try:
                values[name] = known[name].read(value)
            except ValueError:
                kinds: dict[type, str] = {int: "a whole number", bool: "True or False"}
                raise UserError(name, value, f"must be {kinds.get(known[name].kind, 'a number')}") from None
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as a JSON-able dictionary; a sampler that is an object is given by its `repr`."""
        values = {name: getattr(self, name) for name in settings_of(type(self))}
        return {name: value if isinstance(value, int | float | str) else repr(value) for name, value in values.items()}
