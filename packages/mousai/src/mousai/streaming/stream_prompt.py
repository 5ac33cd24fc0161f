"""What a stream is asked to be at the moment, and how an update changes it."""

import math
import numbers
from dataclasses import dataclass, field, replace
from typing import Any

from mousai.arguments import prompts_of
from mousai.conditioning.attributes import FASTEST, SLOWEST, MusicAttributes, check_known, parse_attributes
from mousai.conditioning.control_plan import ControlPlan
from mousai.conditioning.notation.chord_sequences import TimedChords
from mousai.errors import UserError
from mousai.request import Request
from mousai.sampling_config import SamplingConfig
from mousai.streaming.clock import BarClock


@dataclass(frozen=True, kw_only=True)
class StreamPrompt:
    """Prompt and attributes of a stream.

    Args:
        prompt: one sentence.
        negative_prompt: what to stay away from.
        known: attributes that were given beside the prompt, and count for more.
        controls: chords in bars, and the section; None where neither is asked for.
        chords_bar: bar with which the chords begin.

    Raises:
        UserError: a prompt is no sentence, or an attribute is impossible.
    """

    prompt: str
    negative_prompt: str | None = None
    known: MusicAttributes = field(default_factory=MusicAttributes)
    controls: ControlPlan | None = None
    chords_bar: int = 1

    def __post_init__(self) -> None:
        """Check all."""
        _check_sentence("prompt", self.prompt)
        if self.negative_prompt is not None:
            _check_sentence("negative_prompt", self.negative_prompt)
        check_attributes(self.known)
        chords = None if self.controls is None else self.controls.chords
        if isinstance(chords, TimedChords):
            raise UserError("chords", chords.written, 'must be bars in a stream, such as "Am F C G"')
        if chords is not None and self.attributes.tempo is None:
            raise UserError("chords", chords.written, "count bars, which need a tempo; say 100 bpm in the prompt")

    @property
    def attributes(self) -> MusicAttributes:
        """Tempo, key and lead as they count."""
        return parse_attributes(self.prompt).updated(self.known)

    def updated(self, *, prompt: str | None, negative_prompt: str | None, known: MusicAttributes) -> "StreamPrompt":
        """Return what is asked for after an update.

        The tempo goes on where neither the new prompt nor `known` names one. An attribute that was given counts until
        it is named anew, in either.
        """
        kept = self.known
        if prompt is not None:
            _check_sentence("prompt", prompt)
            named = parse_attributes(prompt)
            kept = MusicAttributes(
                tempo=None if named.tempo else self.attributes.tempo,
                key=None if named.key else kept.key,
                lead=None if named.lead else kept.lead,
            )
        return StreamPrompt(
            prompt=self.prompt if prompt is None else prompt,
            negative_prompt=self.negative_prompt if negative_prompt is None else negative_prompt,
            known=kept.updated(known),
            controls=self.controls,
            chords_bar=self.chords_bar,
        )

    def with_controls(self, plan: ControlPlan | None, bar: int) -> "StreamPrompt":
        """Return the same with what a plan names; its chords begin with their first at a bar."""
        if plan is None:
            return self
        before = self.controls or ControlPlan()
        named = ControlPlan(chords=plan.chords or before.chords, section=plan.section or before.section)
        return replace(self, controls=named, chords_bar=self.chords_bar if plan.chords is None else bar)

    def request(self, config: SamplingConfig, seed: int, clock: BarClock) -> Request:
        """Return the request of one window of the stream."""
        return Request(
            prompts=[self.prompt],
            negatives=None if self.negative_prompt is None else [self.negative_prompt],
            times=1,
            seeds=(seed,),
            config=config,
            attributes=replace(self.attributes, first_downbeat=self._downbeat(clock)),
            controls=self.controls,
            negative_prompt=self.negative_prompt,
        )

    def _downbeat(self, clock: BarClock) -> float:
        """Second of a downbeat: that of the bar with which the chords begin, where there are chords."""
        return clock.start if self.controls is None else clock.second_of(self.chords_bar)


def check_attributes(known: MusicAttributes, tempo: Any = None) -> MusicAttributes:
    """Return the attributes with the tempo that was given beside them.

    Raises:
        UserError: one is impossible, or there are two tempos.
    """
    check_known(known)
    if tempo is not None and known.tempo not in (None, tempo):
        raise UserError("tempo", tempo, f"attributes say {known.tempo:g}; give one of the two")
    for value in (tempo, known.tempo):
        if value is None:
            continue
        number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not SLOWEST <= value <= FASTEST:
            raise UserError("tempo", value, f"must be {SLOWEST:g} to {FASTEST:g} beats per minute")
    if known.first_downbeat:
        hint = "must be 0: a stream begins with its first bar"
        raise UserError("first_downbeat", known.first_downbeat, hint)
    return known if tempo is None else replace(known, tempo=float(tempo))


def _check_sentence(field: str, given: Any) -> None:
    if not isinstance(given, str):
        raise UserError(field, given, "must be one sentence; a stream is one piece")
    try:
        prompts_of(given)
    except UserError as error:
        raise UserError(field, error.value, error.hint) from None
