"""A judge of style that the generator never saw: it hears 20 s of sound and names the genre.

    python benchmarks/style_judge.py SONGS [--songs N] [--augment-with DIR] [--judge judge.npz] [--heard heard.npz]

SONGS is a folder from `mousai compose`. What was heard is kept as plain numbers, so the next call trains in seconds.
Prints the accuracy on songs left out of training (every fifth), and whom the judge takes for whom; the judge that is
written is the one that was examined.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
from metrics import MUSIC_RATE, Array, mono, resampled
from scipy.ndimage import gaussian_filter, median_filter

from mousai.audio import read_audio
from mousai.files import atomic_file

SECONDS = 20.0
"""Length of what the judge hears."""
VERSION = 1
"""Changes with the features, so that an old file is not taken for a new one."""
HOP = 512
MELS = 64


def hear(audio: Array, *, sample_rate: int) -> npt.NDArray[np.float32]:
    """What the judge knows of a piece, as one vector: sound, rhythm and harmony, whatever its level, key or tempo."""
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE).astype(np.float32)
    sound = sound / max(float(np.sqrt(np.mean(sound**2))), 1e-5)
    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=HOP))
    power = magnitude**2
    mel = librosa.feature.melspectrogram(S=power, sr=MUSIC_RATE, n_mels=MELS)
    decibels = librosa.power_to_db(mel, ref=1.0, amin=1e-6, top_db=80.0)
    return np.concatenate([_sound(decibels, magnitude), _rhythm(decibels), _harmony(power)]).astype(np.float32)


def _sound(decibels: Array, magnitude: Array) -> Array:
    """Level and liveliness of every band, MFCC, contrast, and how much of a band is struck rather than held."""
    change = np.abs(np.diff(decibels, axis=1))
    cepstra = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    contrast = librosa.feature.spectral_contrast(S=magnitude, sr=MUSIC_RATE)
    held = median_filter(decibels, size=(1, 17)) - median_filter(decibels, size=(9, 1))
    parts = [decibels.mean(axis=1), decibels.std(axis=1), change.mean(axis=1), held.mean(axis=1)]
    parts += list(np.percentile(decibels, [5, 25, 75, 95], axis=1))
    parts += [cepstra.mean(axis=1), cepstra.std(axis=1), np.diff(cepstra, axis=1).std(axis=1)]
    parts += [contrast.mean(axis=1), contrast.std(axis=1)]
    return np.concatenate(parts)


def _rhythm(decibels: Array) -> Array:
    """Autocorrelation of the onsets of four ranges up to 2 s, how sharp they are, and what they share."""
    rises = np.maximum(np.diff(decibels, axis=1), 0)
    edges = librosa.mel_frequencies(n_mels=MELS + 2, fmax=MUSIC_RATE / 2)[1:-1]
    ranges = [edges < 200, (edges >= 200) & (edges < 1500), (edges >= 1500) & (edges < 5000), edges >= 5000]
    onsets = [rises[chosen].mean(axis=0) for chosen in ranges]
    lags = round(2.0 * MUSIC_RATE / HOP)
    parts: list[Array] = []
    for onset in [*onsets, rises.mean(axis=0)]:
        sharp = np.percentile(onset, [50, 75, 90, 97])
        centred = onset - onset.mean()
        curve = librosa.autocorrelate(centred, max_size=lags)
        curve = curve / max(float(curve[0]), 1e-9)
        # The lags in order say the tempo; sorted they say how regular the piece is, whatever its tempo.
        parts += [curve[4::2], np.sort(curve[8:])[::-8], sharp, [onset.mean(), onset.std()]]
    parts.append(_correlations(np.stack(onsets)))
    return np.concatenate(parts)


def _correlations(rows: Array) -> Array:
    """Correlation of every two rows; 0 where a row is constant, as in a piece without treble."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return (centred @ centred.T)[np.triu_indices(len(rows), 1)]


def _harmony(power: Array) -> Array:
    """Chroma turned so that its strongest note is first (no key), its spread, and how often it changes."""
    chroma = librosa.feature.chroma_stft(S=power, sr=MUSIC_RATE, hop_length=HOP, tuning=0.0)
    mean = chroma.mean(axis=1)
    mean = np.roll(mean, -int(mean.argmax()))
    return np.concatenate([mean, np.sort(chroma, axis=0).mean(axis=1), [np.abs(np.diff(chroma, axis=1)).mean()]])


def degraded(audio: Array, *, sample_rate: int, seed: int) -> Array:
    """A piece as a weak decoder might give it: magnitudes a little blurred and uneven, the phase made up.

    The judge is trained on such sound too, so that it goes by the music and not by how clean it is. How much is drawn
    from the seed: a blur of up to 1.5 bins and frames, unevenness up to 4 dB, 8 Griffin-Lim iterations.
    """
    rng = np.random.default_rng(seed)
    sound = resampled(mono(audio), sample_rate, MUSIC_RATE).astype(np.float32)
    # Windows of 46 ms, as long as the 2048 samples at 48 kHz that the models see.
    spectrum = np.abs(librosa.stft(sound, n_fft=1024, hop_length=256))
    logs = np.log(spectrum + 1e-4 * spectrum.max() + 1e-9)
    logs = gaussian_filter(logs, sigma=tuple(rng.uniform(0, 1.5, 2)))
    uneven = gaussian_filter(rng.standard_normal(logs.shape), sigma=1.0)
    logs += uneven * (rng.uniform(0, 4) / 8.686 / uneven.std())
    made_up = librosa.griffinlim(
        np.exp(logs).astype(np.float32), n_iter=8, n_fft=1024, hop_length=256, length=sound.size, random_state=seed
    )
    return resampled(made_up, MUSIC_RATE, sample_rate)


# ---- what was heard, kept in a file


@dataclass(frozen=True)
class Heard:
    """Pieces as the judge heard them: features `[pieces, features]`, and of each its song, genre, variant and start."""

    features: npt.NDArray[np.float32]
    songs: npt.NDArray[np.str_]
    genres: npt.NDArray[np.str_]
    variants: npt.NDArray[np.str_]
    starts: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.songs)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Heard":
        """The pieces chosen by a mask."""
        return Heard(*(getattr(self, name)[chosen] for name in _COLUMNS))

    def save(self, path: Path) -> None:
        """Write a `.npz` of plain arrays."""
        _write_arrays(path, **{name: getattr(self, name) for name in _COLUMNS})

    @classmethod
    def load(cls, path: Path) -> "Heard":
        """Read what `save` wrote; ValueError if it is of another version of the features."""
        return cls(*_read_arrays(path, _COLUMNS))


_COLUMNS = ("features", "songs", "genres", "variants", "starts")


def _write_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, version=np.array(VERSION), **arrays)


def _read_arrays(path: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make it with: python benchmarks/style_judge.py SONGS")
    with np.load(path, allow_pickle=False) as file:
        if int(file["version"]) != VERSION:
            raise ValueError(f"{path}: features of version {int(file['version'])}, not {VERSION}; remove the file")
        return [file[name] for name in names]


def read_songs(folder: Path) -> list[dict[str, Any]]:
    """The rows of a data set's `metadata.jsonl`."""
    path = folder / "metadata.jsonl"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make songs with: mousai compose --songs 400 --out {folder}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def listen(
    folder: Path, rows: list[dict[str, Any]], *, cache: Path | None = None, augment_with: Path | None = None
) -> Heard:
    """Hear every song twice as it is and once degraded, and its reconstruction where there is one.

    Args:
        folder: The data set.
        rows: Its songs to hear.
        cache: A file that keeps what was heard; only the rest is heard afresh.
        augment_with: A folder (searched to the bottom) of the same songs through an autoencoder, under the same names.
    """
    from tqdm import tqdm

    redone = {} if augment_with is None else {path.stem: path for path in sorted(augment_with.rglob("*.flac"))}
    heard = Heard.load(cache) if cache is not None and cache.is_file() else None
    known = set() if heard is None else set(zip(heard.songs, heard.variants, heard.starts.tolist(), strict=True))
    new: list[tuple[Any, ...]] = []
    for number, row in enumerate(tqdm(rows, unit="song", desc="listening")):
        file = folder / row["file_name"]
        # Reconstructions are told apart by their folder, so that those of several models can teach one judge.
        sources = [("song", file, 0.0), ("song", file, 10.0), ("degraded", file, 5.0)]
        if file.stem in redone and augment_with is not None:
            sources.append((f"reconstruction {augment_with.name}", redone[file.stem], 0.0))
        name = f"{folder.resolve().name}/{file.stem}"
        for variant, path, start in sources:
            if (name, variant, start) in known:
                continue
            sound = read_audio(path, sample_rate=MUSIC_RATE, channels=1, start=start, duration=SECONDS)
            if variant == "degraded":
                sound = degraded(sound, sample_rate=MUSIC_RATE, seed=number)
            new.append((hear(sound, sample_rate=MUSIC_RATE), name, row["genre"], variant, start))
    if new:
        fresh = Heard(*(np.array(column) for column in zip(*new, strict=True)))
        fresh = Heard(fresh.features, fresh.songs, fresh.genres, fresh.variants, fresh.starts.astype(np.float32))
        heard = (
            fresh
            if heard is None
            else Heard(*(np.concatenate([getattr(heard, name), getattr(fresh, name)]) for name in _COLUMNS))
        )
        if cache is not None:
            heard.save(cache)
    if heard is None:
        raise ValueError("no songs to hear; give at least one")
    return heard


# ---- the judge


@dataclass(frozen=True)
class Judge:
    """Names the genre of a piece by a linear discriminant, which needs few songs and has nothing to tune.

    Args:
        genres: The names, in alphabetical order.
        mean: Of every feature among the songs it learned from, `[features]`.
        scale: The standard deviation, `[features]`.
        weights: `[genres, features]`.
        offsets: `[genres]`.
    """

    genres: tuple[str, ...]
    mean: Array
    scale: Array
    weights: Array
    offsets: Array

    @classmethod
    def learned(cls, heard: Heard) -> "Judge":
        """A judge who knows these pieces."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler()
        # With more features than songs the covariance must be shrunk (towards a multiple of the identity).
        found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
        found.fit(scaler.fit_transform(heard.features), heard.genres)
        weights, offsets = found.coef_, found.intercept_
        if len(weights) == 1:  # of two genres only the difference is given
            weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
        return cls(tuple(map(str, found.classes_)), scaler.mean_, scaler.scale_, weights, offsets)

    def save(self, path: Path) -> None:
        """Write a small `.npz` of plain arrays."""
        numbers = {name: np.float32(getattr(self, name)) for name in ("mean", "scale", "weights", "offsets")}
        _write_arrays(path, genres=np.array(self.genres), **numbers)

    @classmethod
    def load(cls, path: Path) -> "Judge":
        """Read what `save` wrote; ValueError if it is of another version of the features."""
        arrays = _read_arrays(path, ("genres", "mean", "scale", "weights", "offsets"))
        return cls(tuple(map(str, arrays[0])), *arrays[1:])

    def __call__(self, features: Array) -> list[str]:
        """The genre of each row of features."""
        return [self.genres[place] for place in self._scores(features).argmax(axis=1)]

    def probabilities(self, features: Array) -> Array:
        """How likely each of `genres` is, `[pieces, genres]`; a judge is surer of itself than it is right."""
        scores = self._scores(features)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def distances(self, features: Array) -> Array:
        """How unlike each other pieces are, `[pieces, pieces]`: the root mean square over the scaled features."""
        scaled = np.clip(self._scaled(features), -6, 6)
        return np.sqrt(((scaled[:, None] - scaled[None]) ** 2).mean(axis=-1))

    def _scaled(self, features: Array) -> Array:
        return (features - self.mean) / self.scale

    def _scores(self, features: Array) -> Array:
        return self._scaled(features) @ self.weights.T + self.offsets


def held_out(heard: Heard) -> npt.NDArray[np.bool_]:
    """Every fifth song, in all its variants."""
    return np.array([int(name.rsplit("/", 1)[1]) % 5 == 4 for name in heard.songs])


def examined(heard: Heard) -> Judge:
    """Train on four fifths of the songs, print how the judge does on the rest, and return it."""
    outside = held_out(heard)
    if outside.all() or not outside.any():
        raise ValueError(f"{len(set(heard.songs))} songs are too few to leave some out; 50 or more would do")
    judge, rest = Judge.learned(heard.where(~outside)), heard.where(outside)
    said = np.array(judge(rest.features))
    right = said == rest.genres
    print(f"songs left out: {len(set(rest.songs))} of {len(set(heard.songs))}")
    for variant in dict.fromkeys(map(str, rest.variants)):
        chosen = rest.variants == variant
        print(f"  {variant:24} {right[chosen].mean():7.1%} of {chosen.sum()} clips")
    for genre in judge.genres:
        chosen = rest.genres == genre
        taken = Counter(map(str, said[chosen & ~right])).most_common()
        wrong = "".join(f", {count} taken for {name}" for name, count in taken)
        print(f"  {genre:24} {right[chosen].mean():7.1%} of {chosen.sum()} clips{wrong}")
    return judge


def main() -> int:
    """Hear the songs, keep what was heard, and print how good the judge is."""
    parser = argparse.ArgumentParser(description="Train and examine the judge of style.")
    parser.add_argument("songs_dir", type=Path, metavar="SONGS", help="a folder from `mousai compose`")
    here = Path(__file__).parent
    parser.add_argument("--judge", type=Path, default=here / "judge.npz", help="where the judge is written")
    parser.add_argument(
        "--heard", type=Path, default=here / "results" / "heard.npz", help="what was heard is kept here"
    )
    parser.add_argument("--songs", type=int, default=None, metavar="N", help="only the first N songs")
    parser.add_argument(
        "--augment-with",
        type=Path,
        default=None,
        metavar="DIR",
        help="a folder of the same songs through an autoencoder (FLAC, same names), as reconstruction.py --out writes",
    )
    args = parser.parse_args()
    started = time.process_time()
    try:
        rows = read_songs(args.songs_dir)[: args.songs]
        args.heard.parent.mkdir(parents=True, exist_ok=True)
        heard = listen(args.songs_dir, rows, cache=args.heard, augment_with=args.augment_with)
        print(f"{len(heard)} clips of {heard.features.shape[1]} features, {time.process_time() - started:.0f} s of CPU")
        examined(heard).save(args.judge)
    except (OSError, ValueError) as error:
        print(f"style_judge: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
