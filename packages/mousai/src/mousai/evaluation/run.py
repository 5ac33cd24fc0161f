"""An evaluation from start to end: generate, render references, judge, summarize, report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai import __version__
from mousai.errors import UserError
from mousai.evaluation.clips import Row, plan_clips, read_clips
from mousai.evaluation.config import FEWEST_SONGS, REFERENCE, EvaluationConfig, EvaluationResult
from mousai.evaluation.control.run import measure_control
from mousai.evaluation.control.workplace import MEASURE, Workplace
from mousai.evaluation.control_config import FULL, QUICK, ControlConfig
from mousai.evaluation.features.waveform import CLIP_SECONDS
from mousai.evaluation.hand_prompts import hand_prompts
from mousai.evaluation.judges.panel import JudgePanel
from mousai.evaluation.judges.tempo import RULE
from mousai.evaluation.metrics.autoencoder import STEPS, measure_autoencoder
from mousai.evaluation.metrics.catalogue import measurements
from mousai.evaluation.metrics.long_pieces import compare_ends, long_prompts
from mousai.evaluation.metrics.memorization import memorization, training_song_features
from mousai.evaluation.metrics.prompt_robustness import compare_with_original, vary_prompts
from mousai.evaluation.metrics.summary import summarize
from mousai.evaluation.metrics.verdicts import judge_clips
from mousai.evaluation.prompts import PROMPTS, Prompt, all_prompts
from mousai.evaluation.rendering import load_pipeline, model_hash, render_clips, render_references
from mousai.evaluation.report.files import check_folder, write_report
from mousai.evaluation.two_samples import DECODER_STEPS, measure_two_samples

if TYPE_CHECKING:
    from mousai.pipeline import Mousai

QUICK_PROMPTS, QUICK_SECONDS = 2, 8.0


def evaluate(config: EvaluationConfig) -> EvaluationResult:
    """Run an evaluation; writes `report.json`, `report.html` and the audio into `config.out`.

    Raises:
        UserError: a folder, a file or a tool is missing or invalid.
    """
    return _Evaluation(config).run()


class _Evaluation:
    """The steps of one evaluation, with what they share: the config, the judges, the model and the results."""

    def __init__(self, config: EvaluationConfig) -> None:
        self.config = config
        check_folder(config.out, config.clips)
        self.panel = JudgePanel.load()
        genres = self.panel.genre.names
        self.brought = {folder.name: (folder, read_clips(folder, genres=genres)) for folder in config.clips}
        usual = config.usual and (config.reference_renders or bool(config.songs) or bool(config.two_sample_test))
        if usual or (config.control is not None and config.control.composes):
            from mousai.compose.rendering.render import check_tools

            check_tools()
        self.rows = planned_rows(config, [row for _, rows in self.brought.values() for row in rows])
        self.model_hash = None if config.model is None else model_hash(config.model, **self._adapter())
        self.result = EvaluationResult(settings=self._settings(), judge_accuracy=self.panel.accuracy)

    def run(self) -> EvaluationResult:
        config, result = self.config, self.result
        config.out.mkdir(parents=True, exist_ok=True)
        pipeline = (
            None
            if config.model is None
            else load_pipeline(config.model, device=config.device, dtype=config.dtype, **self._adapter())
        )
        if config.usual:
            self._judge_sets(pipeline)
        if config.control is not None and pipeline is not None:
            result.control = measure_control(self._workplace(config.control, pipeline))
        if config.training_songs is not None:
            self._measure_memorization(config.training_songs)
        if config.prompt_robustness and pipeline is not None:
            result.prompt_robustness = self._prompt_robustness(pipeline)
        if config.long:
            result.long_pieces = self._long_pieces(pipeline)
        if config.usual and pipeline is not None and (config.songs or config.files):
            result.autoencoder = measure_autoencoder(
                pipeline,
                config.files,
                songs=min(config.songs, 1) if config.quick else config.songs,
                seed=config.seed,
                out=config.out / "reconstruction",
                seconds=6.0 if config.quick else CLIP_SECONDS,
                steps=(1,) if config.quick else STEPS,
            )
        if config.usual and pipeline is not None and config.two_sample_test:
            result.two_sample_test = self._two_sample_test(pipeline, config.two_sample_test)
        result.metrics = measurements(result, config)
        write_report(result, config.out)
        return result

    def _judge_sets(self, pipeline: "Mousai | None") -> None:
        sets: dict[str, tuple[Path, Sequence[Row]]] = {}
        if pipeline is not None:
            folder = self.config.out / "clips"
            sets[self.config.model_name] = (folder, self._generate(folder, self.rows, pipeline))
        sets |= self.brought
        with_attributes = [row for row in self.rows if any(row.get(name) for name in ("genre", "bpm", "key", "lead"))]
        if self.config.reference_renders and with_attributes:
            folder = self.config.out / "reference"
            sets[REFERENCE] = (folder, render_references(folder, with_attributes))
        for name, (folder, rows) in sets.items():
            self.result.folders[name] = folder
            self.result.sets[name] = judge_clips(folder, rows, self.panel, description=f"judging {name}")
        reference = self.result.sets.get(REFERENCE)
        for name, judged in self.result.sets.items():
            self.result.summaries[name] = summarize(judged, judge=self.panel.genre, reference=reference)

    def _measure_memorization(self, folder: Path) -> None:
        songs = training_song_features(folder, cache=self.config.out / "training-songs.npz")
        for name, judged in self.result.sets.items():
            found = memorization(judged.genre_features, songs, self.panel.genre)
            self.result.summaries[name]["memorization"] = found

    def _prompt_robustness(self, pipeline: "Mousai") -> dict[str, Any]:
        judged: dict[str, list[Row]] = {}
        for name, rows in vary_prompts(self.rows).items():
            folder = self.config.out / name.replace(" ", "-")
            generated = self._generate(folder, rows, pipeline)
            judged[name] = judge_clips(folder, generated, self.panel, description=f"judging {name}").rows
        return compare_with_original(judged, self.result.sets[self.config.model_name].rows)

    def _long_pieces(self, pipeline: "Mousai | None") -> dict[str, Any]:
        prompts = long_prompts()[: 1 if self.config.quick else None]
        rows = plan_clips([(prompt, 1) for prompt in prompts], seed=self.config.seed, duration=self.config.long)
        found: dict[str, Any] = {}
        if pipeline is not None:
            folder = self.config.out / "long"
            clips = self._generate(folder, rows, pipeline)
            found[self.config.model_name] = {"folder": folder.name, **compare_ends(folder, clips, self.panel.key)}
        if self.config.reference_renders:
            folder = self.config.out / "long-reference"
            clips = render_references(folder, rows)
            found[REFERENCE] = {"folder": folder.name, **compare_ends(folder, clips, self.panel.key)}
        return found

    def _two_sample_test(self, pipeline: "Mousai", songs: int) -> dict[str, Any]:
        dtype = str(pipeline.dtype).removeprefix("torch.")
        quick = self.config.quick
        return measure_two_samples(
            pipeline,
            songs=FEWEST_SONGS if quick else songs,
            seed=self.config.seed,
            out=self.config.out / "two-sample-test",
            settings={"model": f"{self.model_hash} in {dtype}"},
            seconds=3.0 if quick else CLIP_SECONDS,
            decoder_steps=() if quick else DECODER_STEPS,
            **({"steps": 2} if quick else {}),
        )

    def _workplace(self, control: ControlConfig, pipeline: "Mousai") -> Workplace:
        config, dtype = self.config, str(pipeline.dtype).removeprefix("torch.")
        return Workplace(
            pipeline=pipeline,
            panel=self.panel,
            config=replace(control, songs=control.songs or 1, stream_seconds=8.0) if config.quick else control,
            lengths=QUICK if config.quick else FULL,
            folder=config.out / "control",
            settings={
                **{"model": f"{self.model_hash} in {dtype}", "measure": MEASURE, "mousai": __version__},
                **({"fast": True} if config.quick else {}),
            },
            seed=config.seed,
            sampling=(
                {"num_inference_steps": 2, "decoder_steps": min(1, pipeline.defaults.decoder_steps)}
                if config.quick
                else {}
            ),
        )

    def _generate(self, folder: Path, rows: Sequence[Row], pipeline: "Mousai") -> list[Row]:
        assert self.model_hash is not None
        return render_clips(folder, rows, pipeline, model_hash=self.model_hash, fast=self.config.quick)

    def _adapter(self) -> Mapping[str, Any]:
        return {"lora": self.config.lora, "lora_scale": self.config.lora_scale}

    def _settings(self) -> Mapping[str, Any]:
        settings = {"mousai": __version__, "tempo_rule": RULE, **self.config.to_json()}
        return settings if self.model_hash is None else {**settings, "model_hash": self.model_hash}


def planned_rows(config: EvaluationConfig, brought: Sequence[Row]) -> list[Row]:
    """A row for each clip that is generated or composed: of the prompts, or of the clips that were brought.

    Raises:
        UserError: no clip has a prompt that the model could play.
    """
    duration = QUICK_SECONDS if config.quick else CLIP_SECONDS
    if brought:
        usable = [row for row in brought if row["prompt"] or config.model is None]
        once = {row["prompt"] or row["file_name"]: row for row in usable}
        if not once:
            raise UserError("clips", None, "no row has a prompt that a model could play")
        found = []
        for number, row in enumerate(list(once.values())[: QUICK_PROMPTS if config.quick else None]):
            made = {"file_name": f"{number:03d}-a.flac", "piece": 0, "seed": config.seed + number, "duration": duration}
            found.append({**row, **made})
        return found
    if config.hand_prompts is not None:
        return _hand_written(config, duration)
    prompts: Sequence[Prompt] = all_prompts() if config.prompts is None else PROMPTS[: config.prompts]
    if config.quick:
        prompts = PROMPTS[: config.prompts or QUICK_PROMPTS]
    listed = set(PROMPTS)
    return plan_clips([(each, 2 if each in listed else 1) for each in prompts], seed=config.seed, duration=duration)


def _hand_written(config: EvaluationConfig, duration: float) -> list[Row]:
    """A row for each prompt that was written by hand."""
    assert config.hand_prompts is not None
    chosen = hand_prompts(config.hand_prompts)[: config.prompts or (QUICK_PROMPTS if config.quick else None)]
    return [
        {"file_name": f"{number:03d}-a.flac", "prompt": prompt.text, **prompt.asked(), "piece": 0, "duration": duration}
        | {"seed": config.seed + number}
        for number, prompt in enumerate(chosen)
    ]
