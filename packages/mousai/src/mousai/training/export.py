"""Export of a run: a model folder with the averaged weights and a card that says how it was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dmae import DMAE, DMAEConfig
from mousai.conditioning.text import T5TextEncoder, load_tokenizer
from mousai.conditioning.usual_tempo import UsualTempo
from mousai.conditioning.vocabulary import VOCABULARY, load_vocabulary
from mousai.data.latent_cache import encoder_fingerprint, fingerprint
from mousai.diffusion.config import LatentDiffusionConfig
from mousai.diffusion.latent_diffusion import LatentDiffusion
from mousai.errors import UserError
from mousai.sampling_config import SamplingConfig
from mousai.storage.folders import CARD_NAME, describe, load_autoencoder, load_latent_diffusion, save_parts
from mousai.storage.weights import load_config
from mousai.training.checkpoint_files import newest_loadable, read_checkpoint
from mousai.training.config import AdapterConfig
from mousai.training.kept_settings import BESIDE
from mousai.training.run import BAD, CHECKPOINTS, CONFIG, SIZES
from mousai.training.run_paths import found_path
from mousai.training.sources import model_folder
from mousai.training.stages.latent_diffusion.distillation import sampling_defaults
from mousai.training.stages.latent_diffusion.text import frozen_text
from mousai.training.stages.module import Stage
from mousai.training.stages.text_encoder.student import TextEncoderSizes, blank, sizes_of_teacher
from mousai.training.stages.text_encoder.tempo import has_tempo


def is_run(folder: Path) -> bool:
    """Tell whether a folder is that of a run, and no model."""
    return (folder / CONFIG).is_file() and (folder / SIZES).is_file()


def export_run(
    run: Path,
    out: Path,
    *,
    dtype: torch.dtype | None = None,
    about: str | None = None,
    settings: Sequence[str] = (),
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write the averaged model of a run's newest checkpoint as a model folder; whole or not at all.

    A run of stage 2 gives a whole model, with the autoencoder that it was trained on; one of stage 1 gives a model of
    that part, to train stage 2 on. Where the latent stayed as it was (phases magnitudes and decoder), stage 2 of the
    model that it started from still fits, and comes along.

    Args:
        run: folder that `mousai train` made.
        out: model folder to write.
        dtype: dtype of the stored weights; `None` keeps float32.
        about: text that `mousai info` shows of the model; by default how it was trained.
        settings: settings that suit the model best, as NAME=VALUE, see `SamplingConfig.changed`; the others are
            those of the model that the run started from.
        overwrite: replace `out` if it is a model folder.

    Returns:
        Names of its parts.

    Raises:
        UserError: the run saved nothing, or `out` holds something else; one line.
    """
    config, saved = _saved(run)
    if config.get("lora", {}).get("rank"):
        raise UserError(run, hint="trained an adapter (lora.rank); export it as a file, -o NAME.safetensors")
    is_model = (out / "model_index.json").is_file()
    if out.exists() and not (is_model and overwrite) and (not out.is_dir() or any(out.iterdir())):
        raise UserError(out, hint=f"exists; {'give --overwrite to replace it' if is_model else 'give a new folder'}")
    weights = Weights(saved["state_dict"], saved["callbacks"]["EMA"]["average"])
    parts, defaults = _STAGES[config["stage"]](run, config, weights)
    defaults = defaults.changed(settings)
    about = about or f"Trained with mousai train {config['stage']}, {saved['global_step']} steps; see {CARD_NAME}."
    card = _card(run, config, saved, parts)
    save_parts(out, parts, defaults=defaults, about=about, dtype=dtype, card=card)
    return tuple(parts)


def export_adapter(run: Path, path: Path) -> int:
    """Write the averaged adapter of a run with `lora.rank`, for `mousai generate --lora`.

    Returns:
        Number of weights that it changes.

    Raises:
        UserError: the run saved nothing, or trained no adapter.
    """
    config, saved = _saved(run)
    lora = AdapterConfig(**config.get("lora", {}))
    if not lora.rank:
        raise UserError(run, hint="trained all weights, and no adapter; export it as a folder, -o MODEL_DIR")
    from mousai.training.stages.latent_diffusion.adapters import save_adapter

    average = saved["callbacks"]["EMA"]["average"]
    return save_adapter(path, average, prefix="model.", config=lora, base=Path(config["start_from"]).name)


def _saved(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Config of a run, and its newest checkpoint."""
    if not is_run(run):
        raise UserError(run, hint="is no folder of a run; give the --out of a `mousai train`")
    newest = newest_loadable(run / CHECKPOINTS)
    if newest is None:
        raise UserError(run, hint="has saved no checkpoint yet; let it train a little, or stop it once with Ctrl-C")
    return load_config(run / CONFIG), read_checkpoint(newest)


@dataclass(frozen=True)
class Weights:
    """Weights of a checkpoint: all of them, and the average of those that were trained, by their names in the stage."""

    last: Mapping[str, Tensor]
    average: Mapping[str, Tensor]

    def fill(self, module: nn.Module, prefix: str) -> None:
        """Give a module its weights, the averaged ones where there are any."""
        cut = len(prefix)
        module.load_state_dict({key[cut:]: weight for key, weight in self.last.items() if key.startswith(prefix)})
        # By parameter, not by key: a tied one has two keys, and an average under the first of them.
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(self.average.get(prefix + name, parameter))


Parts = dict[str, Any]


def _autoencoder(run: Path, config: Mapping[str, Any], weights: Weights) -> tuple[Parts, SamplingConfig]:
    model = DMAE(DMAEConfig.from_dict(load_config(run / SIZES)))
    weights.fill(model, "model.")
    started = found_path(config, "start_from", run)
    others: Parts = {}
    if started is not None:
        begun = model_folder(started, field="start_from", need=["autoencoder"])
        described = describe(begun)
        defaults = described.defaults
        if config["phase"] in ("magnitudes", "decoder") and "latent_diffusion" in described.parts:
            if encoder_fingerprint(load_autoencoder(begun).state_dict()) != encoder_fingerprint(model.state_dict()):
                raise UserError(
                    begun,
                    hint=f"has another encoder than when {run} began with it, so its stage 2 does not fit; put "
                    "back the model that it was",
                )
            if "text_encoder" in described.parts:
                others["text_encoder"] = T5TextEncoder.load(begun)
            others["latent_diffusion"] = load_latent_diffusion(begun)
    else:
        # Without a decoder that was trained, magnitudes with a phase that fits them are all there is to hear.
        defaults = SamplingConfig(griffin_lim=32) if model.config.prior is not None else SamplingConfig()
    return {**others, "autoencoder": model}, defaults


def _latent_diffusion(run: Path, config: Mapping[str, Any], weights: Weights) -> tuple[Parts, SamplingConfig]:
    model = LatentDiffusion(LatentDiffusionConfig.from_dict(load_config(run / SIZES)))
    weights.fill(model, "model.")
    started = found_path(config, "start_from", run)
    if started is not None:
        begun = model_folder(started, field="start_from", need=["text_encoder", "latent_diffusion"])
        text = T5TextEncoder.load(begun)
    elif config["text"] == "small":
        text = T5TextEncoder.small(tokenizer=load_tokenizer(run / "tokenizer"))
    else:
        text = frozen_text(found_path(config, "text", run))
    _check_unchanged(run, config, "text" if started is None else "start_from", {"text_encoder": text})
    if any(key.startswith("text.") for key in weights.average):
        text.tempo = None
        weights.fill(text, "text.")
        text.vocabulary = load_vocabulary(run / VOCABULARY) or text.vocabulary
    stage_1 = model_folder(found_path(config, "autoencoder", run), field="autoencoder", need=["autoencoder"])
    defaults = sampling_defaults(config, describe(begun if started is not None else stage_1).defaults)
    return {"text_encoder": text, "latent_diffusion": model, "autoencoder": load_autoencoder(stage_1)}, defaults


def _text_encoder(run: Path, config: Mapping[str, Any], weights: Weights) -> tuple[Parts, SamplingConfig]:
    need = ["text_encoder", "latent_diffusion", "autoencoder"]
    begun = model_folder(found_path(config, "start_from", run), field="start_from", need=need)
    others = {"latent_diffusion": load_latent_diffusion(begun), "autoencoder": load_autoencoder(begun)}
    _check_unchanged(run, config, "start_from", others)
    # The model's own share of activations to leave out, not that of this training.
    sizes = TextEncoderSizes.from_dict(load_config(run / SIZES)).with_dropout(sizes_of_teacher(begun).dropout_rate)
    text = blank(sizes, run / "tokenizer")
    if has_tempo(weights.last):
        text.tempo = UsualTempo(text.features)
    weights.fill(text, "text.")
    text.vocabulary = load_vocabulary(run / VOCABULARY)
    return {"text_encoder": text, **others}, describe(begun).defaults


def _check_unchanged(run: Path, config: Mapping[str, Any], setting: str, parts: Parts) -> None:
    """Refuse parts that the run did not keep itself, and that are others than those that it learned beside."""
    for name, mark in config.get(BESIDE, {}).get(setting, {}).items():
        if name in parts and mark != fingerprint(parts[name].state_dict()):
            hint = f"has another {name} than when {run} began with it, and what was learned fits that one"
            raise UserError(found_path(config, setting, run), hint=f"{hint}; put back the model that it was")


_STAGES = {"autoencoder": _autoencoder, "latent-diffusion": _latent_diffusion, "text-encoder": _text_encoder}


def _card(run: Path, config: Mapping[str, Any], saved: Mapping[str, Any], parts: Parts) -> str:
    """The model card, as the hub shows it."""
    figures = saved[Stage.FIGURES]
    bad = load_config(run / BAD) if (run / BAD).is_file() else {}
    loop, optimizer = config["loop"], config["optimizer"]
    counted = ", ".join(
        f"{name} {sum(weight.numel() for weight in part.parameters()) / 1e6:.1f} million"
        for name, part in parts.items()
    )
    lines = [
        "---",
        "library_name: mousai",
        "tags: [text-to-audio, music]",
        "---",
        "",
        f"# A Moûsai model: {' and '.join(parts)}",
        "",
        '    mousai generate "calm piano pop, 100 bpm" --model FOLDER -o song.wav'
        if "latent_diffusion" in parts
        else "    mousai train latent-diffusion --autoencoder FOLDER --data SONGS --out RUN --loop.max_steps 10000",
        "",
        "## Data",
        "",
        f"{saved[Stage.FILES]} pairs of a prompt and a caption from {Path(config['data']).name!r}, and no music."
        if config["stage"] == "text-encoder"
        else f"{saved[Stage.FILES]} files from a folder named {Path(config['data']).name!r}; {len(bad)} could not be "
        "read.",
        "",
        "## Training",
        "",
        f"- stage: {config['stage']}" + (f", phase {config['phase']}" if "phase" in config else ""),
        f"- started from: {config['start_from'] or 'nothing'}",
        *([f"- distilled from: {teacher}"] if (teacher := config.get("distill_from")) else []),
        f"- {saved['global_step']} steps, {saved[Stage.SEEN]} items",
        f"- AdamW, learning rate {optimizer['learning_rate']:g}, {optimizer['schedule']}; {loop['precision']}",
        f"- weights: moving average, beta {config['ema']['beta']:g}, power {config['ema']['power']:g}",
        f"- parameters: {counted}",
        "",
        "## Figures at the last step",
        "",
        *([f"- {name}: {value:.4g}" for name, value in sorted(figures.items())] or ["none were logged"]),
        "",
        "## Limits",
        "",
        "It was trained on the data above, and on that of the model that it started from. Nobody has judged",
        "it yet: do so with prompts that it was not trained on.",
        "",
    ]
    return "\n".join(lines)
