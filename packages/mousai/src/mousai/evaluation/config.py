"""The settings of an evaluation, and its results."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mousai.errors import UserError, is_finite
from mousai.evaluation.control_config import ControlConfig
from mousai.evaluation.hand_prompts import PARTS
from mousai.evaluation.prompts import PROMPTS

if TYPE_CHECKING:
    from mousai.evaluation.control.run import ControlResult
    from mousai.evaluation.metrics.statistics import Measurement
    from mousai.evaluation.metrics.verdicts import JudgedClips

FEWEST_SONGS = 6
"""Fewest songs of a classifier two-sample test: two thirds of them teach its net."""
REFERENCE = "reference renders"
"""Name of the composer's own renders of the same prompts among the sets of clips."""


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """Settings of an evaluation.

    Args:
        out: folder of the results.
        model: folder of the model to evaluate; `None` to judge only clips.
        model_name: name of the model in the report.
        lora: adapter that is added to the model.
        lora_scale: how much of it; by default 1.
        clips: folders of clips that others made.
        prompts: use only the first so many of the 40 prompts, without the grid, or of the 100 of `hand_prompts`; `None`
            for all and the grid.
        hand_prompts: "held-out" or "shown": the 100 prompts of this part of `evaluation.hand_prompts` in place of the
            40 and the grid; `None` for these.
        quick: few prompts, few steps and short clips, to see whether everything runs.
        seed: seed of the first clip; the others follow.
        device: device to generate on: "auto", "cpu", "cuda", "cuda:1" or "mps".
        dtype: dtype of the model.
        reference_renders: whether the composer renders songs for the same prompts.
        long: seconds of long pieces to judge; 0 for none.
        prompt_robustness: whether some prompts are also given in other words.
        songs: number of composed songs that the autoencoder is measured on.
        files: recordings that the autoencoder is measured on.
        two_sample_test: number of composed songs of the classifier two-sample test of the autoencoder; 0 for none.
        training_songs: folder of songs that the model learned from, to look for memorization.
        control: what people do with a piece, and on how much of it that is measured; `None` leaves it out.
        usual: whether clips of prompts and the autoencoder are measured, as without `control`.

    Raises:
        UserError: a setting is impossible.
    """

    out: Path
    model: Path | None = None
    model_name: str = "bundled"
    lora: Path | None = None
    lora_scale: float | None = None
    clips: tuple[Path, ...] = ()
    prompts: int | None = None
    hand_prompts: str | None = None
    quick: bool = False
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    reference_renders: bool = True
    long: float = 0.0
    prompt_robustness: bool = False
    songs: int = 6
    files: tuple[Path, ...] = ()
    two_sample_test: int = 0
    training_songs: Path | None = None
    control: ControlConfig | None = None
    usual: bool = True

    def __post_init__(self) -> None:
        if self.prompts is not None and not 1 <= self.prompts <= self.most_prompts:
            raise UserError("prompts", self.prompts, f"must be 1 to {self.most_prompts}")
        if self.prompts is not None and self.clips:
            raise UserError("prompts", None, "with clips, the prompts are those of the clips; leave one of the two out")
        if self.hand_prompts is not None and self.hand_prompts not in PARTS:
            raise UserError("hand_prompts", self.hand_prompts, f"must be {' or '.join(PARTS)}")
        if self.hand_prompts is not None and self.clips:
            raise UserError("hand_prompts", None, "with clips, the prompts are those of the clips; leave one out")
        if not 0 <= self.seed < 2**62:
            raise UserError("seed", self.seed, "must be 0 or more, below 2^62")
        if self.long != 0 and not (is_finite(self.long) and 40 <= self.long <= 3600):
            raise UserError("long", self.long, "must be 40 to 3600 seconds")
        if self.prompt_robustness and self.clips:
            raise UserError("prompt_robustness", None, "is measured on this command's own prompts; leave the clips out")
        if not 0 <= self.songs <= 1000:
            raise UserError("songs", self.songs, "must be 0 to 1000")
        if self.two_sample_test and not FEWEST_SONGS <= self.two_sample_test <= 1000:
            raise UserError("two_sample_test", self.two_sample_test, f"must be {FEWEST_SONGS} to 1000 songs")
        if self.two_sample_test and self.model is None and self.clips:
            raise UserError(
                "two_sample_test", None, "is a test of a model's autoencoder; give a MODEL beside the clips"
            )
        for folder in self.clips:
            if not folder.is_dir():
                raise UserError("clips", str(folder), "no such folder")
        for file in self.files:
            if not file.is_file():
                raise UserError("files", str(file), "no such file")
        if self.training_songs is not None and not (self.training_songs / "metadata.jsonl").is_file():
            raise UserError(
                "training_songs", str(self.training_songs), "holds no metadata.jsonl; give a folder of `mousai compose`"
            )
        names = [folder.resolve().name for folder in self.clips]
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError("clips", None, f"two folders have the name {twice[0]}; rename one")
        if self.out.exists() and not self.out.is_dir():
            raise UserError("out", str(self.out), "is a file; give a folder")
        if not self.usual:
            self._check_control_alone()

    def _check_control_alone(self) -> None:
        """Refuse what is only measured on clips of prompts."""
        given = {
            **{"prompts": self.prompts, "clips": self.clips, "long": self.long, "files": self.files},
            **{"prompt_robustness": self.prompt_robustness, "training_songs": self.training_songs},
            **{"hand_prompts": self.hand_prompts, "two_sample_test": self.two_sample_test},
        }
        for name, value in given.items():
            if value:
                hint = "is measured on clips of prompts; give --control-and-clips instead of --control"
                raise UserError(name, None, hint)

    @property
    def most_prompts(self) -> int:
        """Number of prompts that `prompts` takes the first of."""
        return len(PROMPTS) if self.hand_prompts is None else 100

    @property
    def subject(self) -> str | None:
        """Name of the set of clips that is evaluated: the model's or the only folder's; `None` if there are several."""
        if self.model is not None:
            return self.model_name
        return self.clips[0].resolve().name if len(self.clips) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """The settings that are not left out, as plain values."""
        settings: dict[str, Any] = {}
        for name, value in asdict(self).items():
            left_out = value is None or value is False or value == ()  # and not the seed 0, which equals False
            if left_out or name in ("control", "usual"):
                continue
            if isinstance(value, tuple):
                value = [str(each) for each in value]
            settings[name] = str(value) if isinstance(value, Path) else value
        if self.control is not None:
            settings |= self.control.to_json()
        return settings


@dataclass(kw_only=True)
class EvaluationResult:
    """Results of an evaluation.

    Args:
        settings: how they were made.
        judge_accuracy: the judges' own accuracy on held-out songs.
        sets: judged clips by name; `REFERENCE` is the composer's.
        folders: folder of each set.
        summaries: summary of each set.
        long_pieces: of `long_pieces.compare_ends` by set, if measured.
        prompt_robustness: of `prompt_robustness.compare_with_original`, if measured.
        autoencoder: of `autoencoder.measure_autoencoder`, if measured.
        two_sample_test: of `two_samples.measure_two_samples`, if measured.
        metrics: the catalogue's metrics of the evaluated set, as far as they were measured.
        control: what people do with a piece, if measured.
    """

    settings: Mapping[str, Any]
    judge_accuracy: Mapping[str, Any]
    sets: dict[str, "JudgedClips"] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    long_pieces: dict[str, Any] = field(default_factory=dict)
    prompt_robustness: dict[str, Any] = field(default_factory=dict)
    autoencoder: dict[str, Any] = field(default_factory=dict)
    two_sample_test: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, "Measurement"] = field(default_factory=dict)
    control: "ControlResult | None" = None
