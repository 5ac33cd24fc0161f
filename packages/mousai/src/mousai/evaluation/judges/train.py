"""Train and test the judges.

    python -m mousai.evaluation.judges.train SONGS [SONGS ...] [--songs N] [--lead-songs DIR ...] [--test DIR ...]
        [--cache FILE] [--out DIR]

All folders come from `mousai compose`, those of `--test` with other seeds. The genre and key judges learn from SONGS,
the lead judge from `--lead-songs` if given. All are tested on the folders of `--test`; without one, on every fifth
song, which is left out of training. The judges never meet a generative model.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.errors import UserError, options_of
from mousai.evaluation.judges.dataset import (
    VARIANTS,
    LeadSpectrograms,
    SongFeatures,
    extract_song_features,
    lead_family,
    lead_spectrograms,
    read_song_table,
)
from mousai.evaluation.judges.key import key_relation
from mousai.evaluation.judges.panel import WEIGHTS, JudgePanel

TEST_VARIANTS = (("song", 0.0), ("degraded", 0.0))


def main() -> int:
    """Extract features, fit the judges, test and write them."""
    parser = _parser()
    args = parser.parse_args()
    try:
        _run(args)
    except UserError as error:
        print(f"judges: {error.in_options(options_of(parser))}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mousai.evaluation.judges.train", description="Train and test the judges of `mousai evaluate`."
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="SONGS", help="folder of `mousai compose`")
    parser.add_argument("--songs", type=int, metavar="N", help="use only the first N songs of each folder of SONGS")
    parser.add_argument(
        "--lead-songs",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="folders that the lead judge learns from (default: SONGS)",
    )
    parser.add_argument("--test", type=Path, nargs="+", metavar="DIR", help="folders of other songs to test on")
    parser.add_argument("--cache", type=Path, metavar="FILE", help="keep features beside this file (.npz)")
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR", help="folder to write the judges to")
    return parser


def _run(args: argparse.Namespace) -> None:
    _check_names([*args.folders, *(args.test or [])])
    _check_names(args.lead_songs or [])
    _check_held_out(args.lead_songs, args.test)
    rows = {folder: read_song_table(folder)[: args.songs] for folder in args.folders}
    songs = SongFeatures.concatenate([_features(folder, rows[folder], args.cache) for folder in rows])
    if args.test is None:
        held_out = _every_fifth_song(songs)
        if held_out.all() or not held_out.any():
            raise UserError(
                "folders", hint=f"{sum(map(len, rows.values()))} songs are too few to leave some out; give 50 or more"
            )
        tests, songs = [songs.select(held_out)], songs.select(~held_out)
    else:
        tests = [_features(test, read_song_table(test), args.cache, variants=TEST_VARIANTS) for test in args.test]
    count = _song_count(songs)
    leads, lead_count = None, count
    if args.lead_songs is not None:
        lead_rows = {folder: read_song_table(folder) for folder in args.lead_songs}
        lead_count = sum(map(len, lead_rows.values()))
        parts = [_lead_features(folder, lead_rows[folder], args.cache) for folder in lead_rows]
        leads = np.concatenate([one for one, _ in parts]), [family for _, some in parts for family in some]
    print(f"training on {count} songs, the lead judge on {lead_count}")
    panel = JudgePanel.fit(songs, leads)
    accuracy: dict[str, dict[str, float]] = {}
    for folder, test in zip([None, *(args.test or [])[1:]], tests, strict=True):
        found = panel.accuracy_on(test)
        _print_test(panel, test, found)
        accuracy |= {variant if folder is None else f"{folder.name}, {variant}": found[variant] for variant in found}
    known = {
        "train_songs": count,
        "lead_train_songs": lead_count,
        "held_out_songs": sum(map(_song_count, tests)),
        "accuracy": accuracy,
    }
    JudgePanel(panel.genre, panel.key, panel.lead, known).save(args.out)


def _song_count(songs: SongFeatures) -> int:
    return len(set(songs.label("song")))


def _print_test(panel: JudgePanel, songs: SongFeatures, accuracy: dict[str, dict[str, float]]) -> None:
    """Print accuracies, and what the judges confuse with what."""
    print(f"{_song_count(songs)} held-out songs")
    for variant, shares in accuracy.items():
        print(f"  {variant:22} " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
    relations = Counter(key_relation(*pair) for pair in zip(songs.label("key"), panel.key(songs.key), strict=True))
    print(f"  keys: {dict(relations.most_common())}")
    _print_confusions("genre", songs.label("genre"), panel.genre(songs.genre))
    _print_confusions("lead", [lead_family(lead) for lead in songs.label("lead")], panel.lead(songs.lead))


def _print_confusions(what: str, labels: Sequence[str], predicted: Sequence[str]) -> None:
    for name in sorted(set(labels)):
        found = Counter(one for one, true in zip(predicted, labels, strict=True) if true == name)
        total = sum(found.values())
        wrong = "".join(f", {count} {other}" for other, count in found.most_common() if other != name)
        print(f"  {what} {name:24} {found[name] / total:7.1%} of {total}{wrong}")


def _features(
    folder: Path, rows: Sequence[dict[str, Any]], cache: Path | None, *, variants: Any = VARIANTS
) -> SongFeatures:
    own = None if cache is None else cache.with_stem(f"{cache.stem}-{folder.resolve().name}")
    return extract_song_features(folder, rows, cache=own, variants=variants)


def _lead_features(folder: Path, rows: Sequence[dict[str, Any]], cache: Path | None) -> LeadSpectrograms:
    own = None if cache is None else cache.with_stem(f"{cache.stem}-leads-of-{folder.resolve().name}")
    return lead_spectrograms(folder, rows, cache=own)


def _check_names(folders: Sequence[Path]) -> None:
    """Refuse two folders of one name: songs and caches are known by it."""
    for name, count in Counter(folder.resolve().name for folder in folders).items():
        if count > 1:
            raise UserError("folders", name, f"{count} of them have this name, by which songs are known; rename one")


def _check_held_out(lead_songs: Sequence[Path] | None, test: Sequence[Path] | None) -> None:
    """Refuse to test the lead judge on songs that it learned from."""
    if lead_songs is None:
        return
    if test is None:
        raise UserError("lead_songs", hint="needs --test, folders of other songs to test the judges on")
    for folder in {one.resolve() for one in lead_songs} & {one.resolve() for one in test}:
        raise UserError("test", folder, "is in --lead-songs too; test the judges on other songs")


def _every_fifth_song(songs: SongFeatures) -> npt.NDArray[np.bool_]:
    """Mask of every fifth song, in all its variants."""
    return np.array([int(name.rsplit("/", 1)[1]) % 5 == 4 for name in songs.label("song")])


if __name__ == "__main__":
    sys.exit(main())
