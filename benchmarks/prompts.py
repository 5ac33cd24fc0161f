"""Does the music follow the prompt? 24 fixed prompts, judged for style, tempo and key.

    python benchmarks/prompts.py [--model DIR] [--count 24] [--out DIR] [--judge judge.npz]
    python benchmarks/prompts.py --clips DIR

The prompts name a style and a tempo as people would, in sentences that the composer's captions do not have. The style
is heard by `style_judge.py`, the tempo by librosa's beat tracker (within 4 %, half and double allowed), the key by
chroma templates. The same judges hear true renders of the same wishes by the composer, from seeds of no data set: what
they score there is the most that a model could.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from metrics import MUSIC_RATE, Array, key_of, levels, tempo_matches, tempo_of
from style_judge import SECONDS, Judge, hear

from mousai.audio import read_audio, write_audio

CLIPS = "clips.jsonl"
MOSTLY = 0.5
"""The share of silence above which a clip is counted as silent."""
ALIKE = 0.4
"""A distance as small as that of two overlapping halves of one song (median 0.41; two songs of one genre: 1.14)."""


@dataclass(frozen=True)
class Prompt:
    """What is asked for; `style` is the composer's name for it, `key` is None where the text names none."""

    text: str
    genre: str
    style: str
    bpm: int
    key: str | None = None


# Three for each of the paper's four genres and two for each other one, half of them with a key. They are in an order in
# which the first ten have every genre once, so that a small --count is still a fair one.
PROMPTS = (
    Prompt("hard techno for a dark warehouse, 134 bpm, E minor", "electronic", "techno", 134, "E minor"),
    Prompt("old school boom bap hip hop to rap over, 92 bpm", "hip hop", "boom bap", 92),
    Prompt("headbanging heavy metal riffs, 140 bpm, E minor", "metal", "heavy metal", 140, "E minor"),
    Prompt("catchy pop for a summer day with the band, 116 bpm, G major", "pop", "band pop", 116, "G major"),
    Prompt("swinging jazz with a walking bass and a sax solo at 150 bpm", "jazz", "swing", 150),
    Prompt("an elegant classical waltz for a ballroom, 126 bpm, D major", "classical", "waltz", 126, "D major"),
    Prompt("sunny reggae for the beach, 76 bpm, A major", "reggae", "roots reggae", 76, "A major"),
    Prompt("ambient music to meditate to, very soft, 60 bpm", "ambient", "ambient", 60),
    Prompt("bossa nova for a café by the sea, 128 bpm, F major", "latin", "bossa nova", 128, "F major"),
    Prompt("irish folk to dance a jig to, fiddle and whistle, 120 bpm", "folk", "folk dance", 120),
    Prompt("house music with four on the floor for the club, 124 bpm", "electronic", "house", 124),
    Prompt("slow trap hip hop with bells and deep bass, 74 bpm in C minor", "hip hop", "trap", 74, "C minor"),
    Prompt("thrash metal as fast and loud as it gets, 184 bpm", "metal", "thrash metal", 184),
    Prompt("quiet piano pop to fall asleep to at 76 bpm, C major", "pop", "piano pop", 76, "C major"),
    Prompt("smoky late night jazz ballad at 68 bpm", "jazz", "jazz ballad", 68),
    Prompt("classical piano alone in an empty hall, A minor, 96 bpm", "classical", "solo piano", 96, "A minor"),
    Prompt("roots reggae, organ on the offbeat and a heavy bass line, 84 bpm", "reggae", "roots reggae", 84),
    Prompt("ambient for looking at the stars, 72 bpm, D minor", "ambient", "ambient", 72, "D minor"),
    Prompt("hot latin salsa with brass to dance all night, 176 bpm", "latin", "salsa", 176),
    Prompt("folk guitar picked by the camp fire, 100 bpm in G major", "folk", "fingerpicked folk", 100, "G major"),
    Prompt("trance that lifts the whole festival, 138 bpm, A minor", "electronic", "trance", 138, "A minor"),
    Prompt("hip hop for driving home at night, 86 bpm", "hip hop", "boom bap", 86),
    Prompt("dark metal with roaring guitars, 156 bpm", "metal", "heavy metal", 156),
    Prompt("a radio pop song with electric guitars, 108 bpm, D major", "pop", "band pop", 108, "D major"),
)


# ---- making clips


def generate(out: Path, prompts: Sequence[Prompt], *, model: str | None, seed: int, batch: int) -> None:
    """Let a model play the prompts, with its own defaults, 20 s each, into `out`."""
    from mousai.pipeline import Mousai

    pipeline = Mousai.from_pretrained(model)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(prompts), batch):
        chosen = prompts[first : first + batch]
        made = pipeline([prompt.text for prompt in chosen], duration=SECONDS, seed=seed + first)
        for place, (prompt, audio) in enumerate(zip(chosen, made.audios, strict=True)):
            row = _row(f"clip_{first + place:02d}.flac", prompt)
            settings = {"prompt": prompt.text, "seed": str(made.seed), "place in batch": str(place)}
            write_audio(
                out / row["file_name"], audio.float().numpy(), made.sample_rate, overwrite=True, metadata=settings
            )
            rows.append(row)
        print(f"made {len(rows)} of {len(prompts)}", file=sys.stderr, flush=True)
    seconds = SECONDS * len(prompts)
    wall, cpu = (time.perf_counter() - wall) / seconds, (time.process_time() - cpu) / seconds
    print(f"generation took {wall:.2f} s, {cpu:.2f} s of CPU, per second of music")
    _write_rows(out, rows)


def render(out: Path, prompts: Sequence[Prompt]) -> None:
    """Let the composer play the prompts; the seeds are those of no data set. What is there already is kept."""
    from mousai.compose import compose_song, render_song

    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for number, prompt in enumerate(prompts):
        digest = hashlib.sha256(f"mousai/benchmarks/prompts/{prompt.text}".encode()).hexdigest()[:12]
        row = _row(f"song_{number:02d}_{digest}.flac", prompt)
        if not (out / row["file_name"]).is_file():
            song = compose_song(int(digest, 16), genre=prompt.style, bpm=prompt.bpm, key=prompt.key, duration=SECONDS)
            write_audio(out / row["file_name"], render_song(song), 48000)
        rows.append(row)
    _write_rows(out, rows)


def _row(file_name: str, prompt: Prompt) -> dict[str, Any]:
    return {"file_name": file_name, "prompt": prompt.text, **{k: v for k, v in asdict(prompt).items() if k != "text"}}


def _write_rows(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    (out / CLIPS).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


# ---- judging clips


def judge_clips(folder: Path, judge: Judge, *, count: int | None = None) -> dict[str, Any]:
    """Judge the clips that `clips.jsonl` in a folder lists: each row has file_name, prompt, genre, bpm, perhaps key.

    Returns:
        `summary`, and `clips` with a row for each.
    """
    path = folder / CLIPS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; it lists the clips, with file_name, prompt, genre, bpm, key")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()][:count]
    if not rows:
        raise ValueError(f"{path} lists no clips")
    clips: list[dict[str, Any]] = []
    features: list[Array] = []
    for row in rows:
        if missing := {"file_name", "genre", "bpm"} - set(row):
            raise ValueError(f"{path}: a row has no {sorted(missing)[0]!r}")
        stereo = read_audio(folder / row["file_name"])
        sound = read_audio(folder / row["file_name"], sample_rate=MUSIC_RATE, channels=1)
        features.append(hear(sound, sample_rate=MUSIC_RATE))
        tempo, key = tempo_of(sound, sample_rate=MUSIC_RATE), key_of(sound, sample_rate=MUSIC_RATE)
        measured = levels(stereo)
        clips.append(
            {
                **row,
                "heard_bpm": round(tempo, 1),
                "tempo_right": tempo_matches(tempo, row["bpm"]),
                "heard_key": key,
                "key_right": None if not row.get("key") else key == row["key"],
                **{name: round(value, 4) for name, value in asdict(measured).items()},
            }
        )
    known = np.stack(features)
    chances = judge.probabilities(known)
    for clip, genre, chance in zip(clips, judge(known), chances, strict=True):
        # The judge was never asked about silence, and calls it something.
        heard = "silence" if clip["silent"] > MOSTLY else genre
        clip.update(heard_genre=heard, style_right=heard == clip["genre"])
        clip["chance_of_genre"] = round(float(chance[judge.genres.index(clip["genre"])]), 3)
    return {"summary": _summary(clips, judge.distances(known)), "clips": clips}


def _summary(clips: Sequence[dict[str, Any]], distances: Array) -> dict[str, Any]:
    pairs = np.triu_indices(len(clips), 1)
    apart = distances[pairs]
    keyed = [clip["key_right"] for clip in clips if clip["key_right"] is not None]
    found: dict[str, Any] = {
        "clips": len(clips),
        "style_right": sum(clip["style_right"] for clip in clips),
        "tempo_right": sum(clip["tempo_right"] for clip in clips),
        "key_right": sum(keyed),
        "keys_asked": len(keyed),
        "style_by_chance": _by_chance(clips, lambda asked, heard: asked["genre"] == heard["heard_genre"]),
        "tempo_by_chance": _by_chance(clips, lambda asked, heard: tempo_matches(heard["heard_bpm"], asked["bpm"])),
        "key_by_chance": _by_chance(
            [clip for clip in clips if clip.get("key")], lambda asked, heard: asked["key"] == heard["heard_key"]
        ),
        "clipped": sum(clip["clipped"] > 1e-4 for clip in clips),
        "mostly_silent": sum(clip["silent"] > MOSTLY for clip in clips),
    }
    if len(apart):
        nearest = int(apart.argmin())
        found.update(
            distance_median=round(float(np.median(apart)), 3),
            alike_pairs=int((apart < ALIKE).sum()),
            distance_least=round(float(apart[nearest]), 3),
            nearest_pair=[clips[int(pairs[side][nearest])]["file_name"] for side in (0, 1)],
        )
    return found


def _by_chance(clips: Sequence[dict[str, Any]], right: Callable[[dict[str, Any], dict[str, Any]], bool]) -> float:
    """How many would be right if the clips were dealt out to the prompts at random: what deaf music scores."""
    return round(sum(right(asked, heard) for asked in clips for heard in clips) / max(len(clips), 1), 1)


def show(title: str, found: dict[str, Any]) -> None:
    """Print a table of the clips and what it comes to."""
    print(f"\n{title}")
    print(
        f"{'asked for':64} {'style heard':14} {'tempo heard':14} {'key heard':11} {'rms':>5} {'peak':>5} {'width':>5}"
    )
    for clip in found["clips"]:
        key = "" if clip["key_right"] is None else _mark(clip["key_right"])
        print(
            f"{str(clip.get('prompt', clip['file_name']))[:64]:64} "
            f"{_mark(clip['style_right'])}{clip['heard_genre']:13} "
            f"{_mark(clip['tempo_right'])}{clip['heard_bpm']:<5g} of {clip['bpm']:<4g} "
            f"{key:1}{clip['heard_key']:10} {clip['rms']:5.1f} {clip['peak']:5.1f} {clip['width']:5.1f}"
        )
    total = found["summary"]
    wishes = (("style", "clips"), ("tempo", "clips"), ("key", "keys_asked"))
    right = [
        f"{name} {total[f'{name}_right']} of {total[of]} ({total[f'{name}_by_chance']:g} by chance)"
        for name, of in wishes
    ]
    print(f"{', '.join(right)}; clipped {total['clipped']}, mostly silent {total['mostly_silent']}")
    if "nearest_pair" in total:
        print(
            f"distance between two pieces: median {total['distance_median']:g}, least {total['distance_least']:g} "
            f"({' and '.join(total['nearest_pair'])}), alike (under {ALIKE:g}): {total['alike_pairs']} pairs"
        )


def _mark(right: bool) -> str:
    return "+" if right else "-"


def main() -> int:
    """Make or take clips, judge them and the composer's own, print and keep the result."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description="Does the music follow the prompt?")
    parser.add_argument("--model", default=None, help="model folder (default: the bundled model)")
    parser.add_argument("--count", type=int, default=None, help="only the first so many prompts")
    parser.add_argument("--out", type=Path, default=here / "results" / "prompts", help="where clips and results go")
    parser.add_argument("--clips", type=Path, default=None, help="judge this folder's clips.jsonl instead of a model")
    parser.add_argument("--judge", type=Path, default=here / "judge.npz", help="file from style_judge.py")
    parser.add_argument("--songs", type=Path, default=None, help="where true renders are kept (default: OUT/songs)")
    parser.add_argument("--no-songs", action="store_true", help="leave the true renders out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=4, help="prompts generated at a time")
    args = parser.parse_args()
    try:
        if args.count is not None and not 1 <= args.count <= len(PROMPTS):
            raise ValueError(f"--count {args.count}: 1 to {len(PROMPTS)} would do")
        judge, prompts, result = Judge.load(args.judge), PROMPTS[: args.count], {}
        if args.clips is None:
            generate(args.out, prompts, model=args.model, seed=args.seed, batch=args.batch)
        result["model"] = judge_clips(args.clips or args.out, judge, count=args.count)
        show("the model", result["model"])
        if not args.no_songs:
            songs = args.songs or args.out / "songs"
            render(songs, prompts)
            result["true renders"] = judge_clips(songs, judge)
            show("true renders by the composer", result["true renders"])
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "results.json").write_text(
            json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    except (OSError, ValueError) as error:
        print(f"prompts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
