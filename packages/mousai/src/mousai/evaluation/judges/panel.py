"""The judges of genre, key and lead instrument together, with their accuracy on held-out songs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mousai.errors import UserError
from mousai.evaluation.features.waveform import Array
from mousai.evaluation.judges.convolutional import ConvolutionalJudge
from mousai.evaluation.judges.dataset import SongFeatures, lead_family
from mousai.evaluation.judges.key import KeyJudge, same_key
from mousai.evaluation.judges.linear import LinearJudge
from mousai.evaluation.npz import load_npz, save_npz
from mousai.storage.files import atomic_file

WEIGHTS = Path(__file__).parent / "weights"
ACCURACY_FILE = "accuracy.json"
GENRE_SHRINKAGE, KEY_PENALTY = 0.2, 0.01


@dataclass(frozen=True)
class JudgePanel:
    """The three learned judges.

    Args:
        genre: classifier of the genre.
        key: classifier of the key.
        lead: classifier of the family of the lead instrument (`mousai.conditioning.leads.LEADS`).
        accuracy: numbers of training and held-out songs, and the judges' accuracy on the held-out songs by condition:
            `train_songs`, `lead_train_songs`, `held_out_songs`, `accuracy` (condition -> judge -> share right).
    """

    genre: LinearJudge
    key: KeyJudge
    lead: ConvolutionalJudge
    accuracy: dict[str, Any]

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "JudgePanel":
        """Load the judges of this package, or those of another folder.

        Raises:
            UserError: a file is missing or of another version.
        """
        _, genre = load_npz(folder / "genre.npz")
        _, lead = load_npz(folder / "lead.npz")
        _, key = load_npz(folder / "key.npz")
        path = folder / ACCURACY_FILE
        if not path.is_file():
            raise UserError(
                path, hint="is missing; train the judges with: python -m mousai.evaluation.judges.train SONGS"
            )
        numbers = [key[name].astype(np.float64) for name in ("mean", "scale", "weights", "offsets")]
        return cls(
            LinearJudge.from_arrays(genre),
            KeyJudge(*numbers),
            ConvolutionalJudge.from_arrays(lead),
            json.loads(path.read_text(encoding="utf-8")),
        )

    def save(self, folder: Path) -> None:
        """Write one small file for each judge, and their accuracy."""
        folder.mkdir(parents=True, exist_ok=True)
        save_npz(folder / "genre.npz", {}, self.genre.to_arrays())
        save_npz(folder / "lead.npz", {}, self.lead.to_arrays())
        key = {
            name: np.asarray(getattr(self.key, name), np.float32) for name in ("mean", "scale", "weights", "offsets")
        }
        save_npz(folder / "key.npz", {}, key)
        with atomic_file(folder / ACCURACY_FILE) as partial:
            partial.write_text(json.dumps(self.accuracy, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def fit(cls, songs: SongFeatures, leads: tuple[Array, list[str]] | None = None) -> "JudgePanel":
        """Fit the judges, without measuring their accuracy.

        Args:
            songs: training songs of the genre and key judges.
            leads: spectrograms and families that the lead judge learns from; those of `songs` where it is `None`.
        """
        spectrograms, families = leads or (songs.lead, [lead_family(lead) for lead in songs.label("lead")])
        return cls(
            LinearJudge.fit(songs.genre, songs.label("genre"), shrinkage=GENRE_SHRINKAGE),
            KeyJudge.fit(songs.key, songs.label("key"), penalty=KEY_PENALTY),
            ConvolutionalJudge.fit(spectrograms, families),
            {},
        )

    def accuracy_on(self, songs: SongFeatures) -> dict[str, dict[str, float]]:
        """The share of held-out songs that each judge names right, by variant and judge."""
        variants = np.array(songs.label("variant"))
        families = [lead_family(lead) for lead in songs.label("lead")]
        keys = zip(songs.label("key"), self.key(songs.key), strict=True)
        right = {
            "genre": np.array(self.genre(songs.genre)) == np.array(songs.label("genre")),
            "key": np.array([same_key(*pair) for pair in keys]),
            "lead": np.array(self.lead(songs.lead)) == np.array(families),
        }
        return {
            str(variant): {name: round(float(each[variants == variant].mean()), 4) for name, each in right.items()}
            for variant in dict.fromkeys(variants)
        }
