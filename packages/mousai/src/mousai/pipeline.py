"""The whole of Moûsai: a sentence in, music out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mousai.arguments import (
    check_count,
    check_duration,
    check_together,
    negatives_of,
    prompts_of,
    seeds_of,
)
from mousai.callbacks import StepEnd, pipeline_call
from mousai.cascade import Cascade
from mousai.composing import make_piece, piece_seconds
from mousai.conditioning.attributes import MusicAttributes
from mousai.conditioning.control_plan import control_plan
from mousai.editing import as_recording, edit, wanted_regions
from mousai.errors import UserError
from mousai.output import MousaiOutput
from mousai.regions import Region
from mousai.request import Request
from mousai.sampling_config import SamplingConfig
from mousai.settings import takes_settings
from mousai.streaming import MusicStream
from mousai.streaming.stream import stream_config
from mousai.streaming.stream_prompt import StreamPrompt, check_attributes
from mousai.verbs.looping import check_loop, check_loop_region, loop, loop_of, wanted_bars
from mousai.verbs.varying import check_strength, vary

DURATION = 20.0
"""Seconds of a piece where nothing else is said."""


class Mousai(Cascade):
    """Text -> music (arXiv 2301.11757):  text ── T5 ──> embedding ── LatentDiffusion ──> latent ── DMAE ──> waveform.

    A tempo ("128 bpm"), a key ("E minor") and a lead ("flute lead") in a prompt also reach a latent diffusion that was
    trained with them as signals (`mousai.conditioning`).

    Args:
        text_encoder: prompts -> embedding, any `TextEncoder`.
        latent_diffusion: embedding -> latent.
        autoencoder: latent <-> waveform.
        defaults: settings that the model is best run with.
        about: what `mousai info` prints of it.

    Raises:
        UserError: two parts do not fit.
    """

    # ---- text -> waveform

    @takes_settings(SamplingConfig)
    @pipeline_call
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        negative_prompt: str | Sequence[str] | None = None,
        duration: float | None = None,
        num_waveforms_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        init_audio: Any = None,
        inpaint_audio: Any = None,
        inpaint_mask_start_seconds: float | Sequence[float] | None = None,
        inpaint_mask_end_seconds: float | Sequence[float] | None = None,
        inpaint_before_seconds: float = 0.0,
        attributes: MusicAttributes | None = None,
        chords: Any = None,
        melody: Any = None,
        section: str | None = None,
        form: Any = None,
        latents: Tensor | None = None,
        output_type: str = "pt",
        callback_on_step_end: StepEnd | None = None,
        **settings: Any,
    ) -> MousaiOutput:
        """Make music.

        Args:
            prompt: a sentence, or several: one piece for each.
            negative_prompt: what to stay away from; one for all or one for each.
            duration: seconds; by default 20.
            num_waveforms_per_prompt: pieces for each prompt, each with noise of its own.
            seed: same seed, prompt and settings: same music. The second piece has the seed after it, and so on, so that
                each can be made again alone (to the bit: `exact`). Drawn at random without it and without `generator`.
            generator: draws the seed; a list has one for each piece.
            init_audio: recording to start from instead of noise: a path of any rate, or samples at the model's rate as
                tensor or array. The piece is as long, with its rate and channels, and `strength` says how much of it is
                replaced. The prompt's tempo is left out; give `attributes`.
            inpaint_audio: recording to edit or to go on from: a path of any rate, or samples as for `init_audio`. The
                result has its rate and channels, and its very samples where nothing is made anew. With a `duration`
                beyond it there is new music after it. The prompt's tempo is left out; give `attributes`.
            inpaint_mask_start_seconds: second of it at which new music begins; a list for several regions.
            inpaint_mask_end_seconds: second of it, or a list of them, at which that ends.
            inpaint_before_seconds: seconds of new music before it; they are part of `duration`.
            attributes: tempo, key, lead and first downbeat where they are known beside the prompt, and count for more.
            chords: bars ("Am F C G", a bar each, repeated; "Am:2 F:2"; "Am | F G"), chords with the seconds at which
                they begin ([("Am", 0.0), ("F", 2.0)]), or a path (.lab, .json, .jams). As for all four of these, the
                model must have been trained with it (`controls`). Bars have four beats and need a tempo.
            melody: notes as (start, end, MIDI pitch) in seconds, or the path of a MIDI file or of a recording of one
                voice; of another track than the highest by `read_melody`.
            section: what the whole piece is: intro, verse, chorus, break or outro.
            form: sections with their bars, "intro:4 verse:8 chorus:8 outro:4"; without `duration` the piece is as long.
            latents: starting noise [pieces, latent_channels, frames] instead of that of `seed`.
            output_type: "pt" gives a tensor, "np" a NumPy array, "latent" the latents, not decoded.
            callback_on_step_end: called after each step of stage 2, see `StepEnd`. It may set `pipe._interrupt = True`:
                the estimate of that step is then decoded. Another thread that sets it ends the call; of an exact call,
                the pieces that were begun are then returned.
            **settings: see below.

        Returns:
            the audios with their seeds and all settings.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        prompts = prompts_of(prompt)
        check_count(num_waveforms_per_prompt)
        given = {
            **{"seed": seed, "generator": generator, "init_audio": init_audio, "duration": duration},
            **{"inpaint_audio": inpaint_audio, "inpaint_before_seconds": inpaint_before_seconds, "latents": latents},
            "inpaint_mask_start_seconds": inpaint_mask_start_seconds,
            "inpaint_mask_end_seconds": inpaint_mask_end_seconds,
            "output_type": output_type,
        }
        check_together(given, settings)
        plan = control_plan(chords=chords, melody=melody, section=section, form=form, model=self.controls)
        config = self._with_settings(settings)
        if duration is not None:
            check_duration(duration)
        request = Request(
            prompts=prompts,
            negatives=negatives_of(negative_prompt, len(prompts)),
            times=num_waveforms_per_prompt,
            seeds=seeds_of(seed, generator, len(prompts) * num_waveforms_per_prompt),
            config=config,
            attributes=attributes,
            controls=plan,
            negative_prompt=negative_prompt,
            output_type=output_type,
            callback=callback_on_step_end,
        )
        if inpaint_audio is not None:
            recording = as_recording(inpaint_audio, sample_rate=self.sample_rate)
            regions = wanted_regions(
                inpaint_mask_start_seconds,
                inpaint_mask_end_seconds,
                recording=recording,
                before=inpaint_before_seconds,
                duration=duration,
            )
            if plan is not None:
                shift = inpaint_before_seconds
                plan.check_regions([(one.start - shift, one.end - shift) for one in regions])
            return edit(self, request, recording, regions, before=inpaint_before_seconds)
        if init_audio is not None:
            recording = as_recording(init_audio, sample_rate=self.sample_rate, field="init_audio")
            check_strength(config.strength, plan)
            return vary(self, request, recording, latents=latents)
        seconds = piece_seconds(request, duration)
        return make_piece(self, request, DURATION if seconds is None else seconds, latents=latents)

    @takes_settings(SamplingConfig)
    @pipeline_call
    def loop(
        self,
        prompt: str | Sequence[str],
        *,
        bars: int | None = None,
        tempo: float | None = None,
        negative_prompt: str | Sequence[str] | None = None,
        num_waveforms_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        audio: Any = None,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        seam_seconds: float | None = None,
        attributes: MusicAttributes | None = None,
        chords: Any = None,
        melody: Any = None,
        section: str | None = None,
        form: Any = None,
        output_type: str = "pt",
        callback_on_step_end: StepEnd | None = None,
        **settings: Any,
    ) -> MousaiOutput:
        """Make a loop: its end runs into its beginning.

        Args:
            prompt: a sentence, or several of one tempo: a loop for each.
            bars: bars of four beats, by default 8; the loop has their length to the sample.
            tempo: beats per minute; by default the prompt's.
            negative_prompt: as for a piece, like all below that is not explained.
            num_waveforms_per_prompt: loops for each prompt.
            seed: seed of the first loop.
            generator: draws the seed.
            audio: recording a region of which is to loop instead: a path of any rate, or samples at the model's rate.
                Its samples stay, but for the last ones.
            start_seconds: second of it at which the loop begins.
            end_seconds: second of it at which the loop ends; by default that of the recording.
            seam_seconds: seconds at the end that are made anew; by default a quarter of the loop, at most 2.
            attributes: key and lead where they are known beside the prompt; for a recording also its clock.
            chords: as for a piece, in bars or seconds of a new loop, like the three below; not beside `audio`.
            melody: notes, or the path of a MIDI file or a recording of one voice.
            section: what the whole loop is.
            form: sections with their bars, no more than the loop's.
            output_type: "pt" gives a tensor, "np" a NumPy array, "latent" the latents, not decoded.
            callback_on_step_end: called after each step of stage 2, see `StepEnd`.
            **settings: see below.

        Returns:
            the loops; `save` writes tempo and loop points into the file.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        prompts = prompts_of(prompt)
        check_count(num_waveforms_per_prompt)
        check_loop(
            {"audio": audio, "bars": bars, "tempo": tempo, "start_seconds": start_seconds or None}
            | {"end_seconds": end_seconds, "seam_seconds": seam_seconds, "output_type": output_type}
            | {"seed": seed, "generator": generator, "strength": settings.get("strength")}
            | {"chords": chords, "melody": melody, "section": section, "form": form}
        )
        plan = control_plan(chords=chords, melody=melody, section=section, form=form, model=self.controls)
        length = None if audio is not None else wanted_bars(prompts, 8 if bars is None else bars, tempo)
        request = Request(
            prompts=prompts,
            negatives=negatives_of(negative_prompt, len(prompts)),
            times=num_waveforms_per_prompt,
            seeds=seeds_of(seed, generator, len(prompts) * num_waveforms_per_prompt),
            config=self._with_settings(settings),
            attributes=attributes,
            controls=plan,
            negative_prompt=negative_prompt,
            output_type=output_type,
            callback=callback_on_step_end,
        )
        if length is not None:
            return loop(self, request, length)
        recording = as_recording(audio, sample_rate=self.sample_rate, field="audio")
        region = Region(start_seconds, recording.seconds if end_seconds is None else end_seconds)
        return loop_of(self, request, recording, region, seam=check_loop_region(region, recording, seam=seam_seconds))

    @takes_settings(SamplingConfig)
    def stream(
        self,
        prompt: str,
        *,
        negative_prompt: str | None = None,
        tempo: float | None = None,
        attributes: MusicAttributes | None = None,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        chunk_seconds: float | None = None,
        chords: Any = None,
        section: str | None = None,
        **settings: Any,
    ) -> MusicStream:
        """Make music without end: an iterator of `AudioChunk`, whose `update` changes it from the next bar on.

        Args:
            prompt: a sentence.
            negative_prompt: what to stay away from.
            tempo: beats per minute; by default that of the prompt, or the usual one (`usual_tempo`).
            attributes: tempo, key and lead where they are known beside the prompt, and count for more.
            seed: same seed, prompt, updates and settings: same music. By default drawn at random; `stream.seed` is it.
            generator: draws the seed.
            chunk_seconds: length of a chunk; by default the fewest whole bars of 1.5 s or more, or 2 s without a tempo.
            chords: bars of chords, repeated without end, "Am F C G"; for a model that follows them (`controls`).
            section: intro, verse, chorus, break or outro; likewise.
            **settings: see below.

        Returns:
            the stream; no music is computed before its first chunk is taken.

        Raises:
            UserError: an argument is impossible; one line that names it, its value and what would do.
        """
        if seed is not None and generator is not None:
            raise UserError("generator", hint="both it and seed say where the noise begins; give one of the two")
        known = check_attributes(MusicAttributes() if attributes is None else attributes, tempo)
        plan = control_plan(chords=chords, section=section, model=self.controls)
        return MusicStream(
            self,
            StreamPrompt(prompt=prompt, negative_prompt=negative_prompt, known=known, controls=plan),
            config=stream_config(self.defaults, settings),
            seed=seeds_of(seed, generator, 1)[0],
            chunk_seconds=chunk_seconds,
        )
