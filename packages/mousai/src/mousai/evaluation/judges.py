"""The judges of style, key and lead: kept beside this file as plain numbers, and how they are made.

    python -m mousai.evaluation.judges SONGS [SONGS ...] [--songs N] [--lead-songs DIR ...] [--test DIR ...]
        [--heard FILE] [--out DIR]

All folders come from `mousai compose`, those of `--test` with other seeds. The judges learn from SONGS alone, that of
the lead from the songs of `--lead-songs` where there are some, and are examined on the folders of `--test` (without
one: on every fifth song, left out of learning). They know nothing of the generator, nor it of them.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mousai.errors import UserError
from mousai.evaluation.convolutional import ConvolutionalJudge
from mousai.evaluation.key import KeyJudge, kinship, same_key
from mousai.evaluation.lead_songs import Pictures, lead_family, pictures_of
from mousai.evaluation.linear import LinearJudge
from mousai.evaluation.listening import VARIANTS, Heard, listen_to_songs, read_songs
from mousai.evaluation.stored import read_arrays, write_arrays

FOLDER = Path(__file__).parent / "weights"
STYLE_SHRINKAGE, KEY_PENALTY = 0.2, 0.01


@dataclass(frozen=True)
class Judges:
    """Who is asked.

    Args:
        style: names the genre.
        key: names the key.
        lead: names the family of the lead instrument (`mousai.conditioning.leads.LEADS`).
        examined: their own scores on songs that they did not learn from.
    """

    style: LinearJudge
    key: KeyJudge
    lead: ConvolutionalJudge
    examined: dict[str, Any]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Judges":
        """The judges that come along, or those of another folder."""
        _, style = read_arrays(folder / "style.npz")
        _, lead = read_arrays(folder / "lead.npz")
        about, key = read_arrays(folder / "key.npz")
        numbers = [key[name].astype(np.float64) for name in ("mean", "scale", "weights", "offsets")]
        return cls(
            LinearJudge.of_arrays(style), KeyJudge(*numbers), ConvolutionalJudge.of_arrays(lead), about["examined"]
        )

    def save(self, folder: Path) -> None:
        """Write three small files."""
        folder.mkdir(parents=True, exist_ok=True)
        write_arrays(folder / "style.npz", {}, self.style.arrays())
        write_arrays(folder / "lead.npz", {}, self.lead.arrays())
        key = {
            name: np.asarray(getattr(self.key, name), np.float32) for name in ("mean", "scale", "weights", "offsets")
        }
        write_arrays(folder / "key.npz", {"examined": self.examined}, key)

    @classmethod
    def learned(cls, heard: Heard, leads: Pictures | None = None) -> "Judges":
        """Judges who know these pieces, not examined yet.

        Args:
            heard: the pieces.
            leads: others, which the judge of the lead knows in their place.
        """
        pictures, families = leads or (heard.lead, [lead_family(lead) for lead in heard.fact("lead")])
        return cls(
            LinearJudge.learned(heard.style, heard.fact("genre"), shrinkage=STYLE_SHRINKAGE),
            KeyJudge.learned(heard.key, heard.fact("key"), penalty=KEY_PENALTY),
            ConvolutionalJudge.learned(pictures, families),
            {},
        )


def examination(judges: Judges, rest: Heard) -> dict[str, Any]:
    """How the judges do on pieces that they did not learn from: `songs` and, of each variant, the shares right."""
    variants = np.array(rest.fact("variant"))
    keys, heard_keys = rest.fact("key"), judges.key(rest.key)
    families = [lead_family(lead) for lead in rest.fact("lead")]
    right = {
        "style": np.array(judges.style(rest.style)) == np.array(rest.fact("genre")),
        "key": np.array([same_key(*pair) for pair in zip(keys, heard_keys, strict=True)]),
        "lead": np.array(judges.lead(rest.lead)) == np.array(families),
    }
    found: dict[str, Any] = {"songs": len(set(rest.fact("song")))}
    for variant in dict.fromkeys(variants):
        chosen = variants == variant
        found[str(variant)] = {name: round(float(each[chosen].mean()), 4) for name, each in right.items()}
    return found


def show(judges: Judges, rest: Heard, found: dict[str, Any]) -> None:
    """Print an examination, and whom the judges take for whom."""
    print(f"songs that the judges did not learn from: {found['songs']}")
    for variant, shares in found.items():
        if variant != "songs":
            print(f"  {variant:22} " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
    kin = Counter(kinship(*pair) for pair in zip(rest.fact("key"), judges.key(rest.key), strict=True))
    print(f"  keys: {dict(kin.most_common())}")
    _confusions("style", rest.fact("genre"), judges.style(rest.style))
    _confusions("lead", [lead_family(lead) for lead in rest.fact("lead")], judges.lead(rest.lead))


def _confusions(what: str, wanted: Sequence[str], said: Sequence[str]) -> None:
    for name in sorted(set(wanted)):
        heard = Counter(one for one, true in zip(said, wanted, strict=True) if true == name)
        total = sum(heard.values())
        wrong = "".join(f", {count} {other}" for other, count in heard.most_common() if other != name)
        print(f"  {what} {name:24} {heard[name] / total:7.1%} of {total}{wrong}")


def _listen(folder: Path, rows: Sequence[dict[str, Any]], cache: Path | None, *, variants: Any = VARIANTS) -> Heard:
    own = None if cache is None else cache.with_stem(f"{cache.stem}-{folder.resolve().name}")
    return listen_to_songs(folder, rows, cache=own, variants=variants)


def _pictures(folder: Path, rows: Sequence[dict[str, Any]], cache: Path | None) -> Pictures:
    own = None if cache is None else cache.with_stem(f"{cache.stem}-leads-of-{folder.resolve().name}")
    return pictures_of(folder, rows, cache=own)


def _told_apart(folders: Sequence[Path]) -> None:
    """Refuse folders of one name: songs are known by it, and what was heard of one would count as the other's."""
    for name, count in Counter(folder.resolve().name for folder in folders).items():
        if count > 1:
            raise UserError(f"{name}: {count} of the folders are called so, and songs are known by it; rename one")


def _kept_apart(lead_songs: Sequence[Path] | None, test: Sequence[Path] | None) -> None:
    """Refuse to examine the judge of the lead on songs that it learned from."""
    if lead_songs is None:
        return
    if test is None:
        raise UserError("--lead-songs: needs --test, other songs to examine the judges on")
    for folder in {one.resolve() for one in lead_songs} & {one.resolve() for one in test}:
        raise UserError(f"{folder}: is in --lead-songs and in --test; examine the judges on other songs")


def _left_out(heard: Heard) -> npt.NDArray[np.bool_]:
    """Every fifth song, in all its variants."""
    return np.array([int(name.rsplit("/", 1)[1]) % 5 == 4 for name in heard.fact("song")])


def main() -> int:
    """Hear the songs, make the judges, examine and write them."""
    parser = argparse.ArgumentParser(prog="python -m mousai.evaluation.judges", description="Make the judges.")
    parser.add_argument("folders", type=Path, nargs="+", metavar="SONGS", help="a folder from `mousai compose`")
    parser.add_argument("--songs", type=int, metavar="N", help="only the first N songs of each folder of SONGS")
    parser.add_argument(
        "--lead-songs",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="what the judge of the lead learns from (default: SONGS)",
    )
    parser.add_argument("--test", type=Path, nargs="+", metavar="DIR", help="other songs, to examine the judges on")
    parser.add_argument("--heard", type=Path, metavar="FILE", help="what was heard is kept beside this (.npz)")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where the judges are written")
    args = parser.parse_args()
    try:
        _told_apart([*args.folders, *(args.test or [])])
        _told_apart(args.lead_songs or [])
        _kept_apart(args.lead_songs, args.test)
        rows = {folder: read_songs(folder)[: args.songs] for folder in args.folders}
        heard = Heard.joined([_listen(folder, rows[folder], args.heard) for folder in rows])
        if args.test is None:
            outside = _left_out(heard)
            if outside.all() or not outside.any():
                raise UserError(
                    f"{sum(map(len, rows.values()))} songs are too few to leave some out; 50 or more would do"
                )
            examined, heard = [heard.where(outside)], heard.where(~outside)
        else:
            examined = [_listen(test, read_songs(test), args.heard, variants=_TEST_VARIANTS) for test in args.test]
        count = len(set(heard.fact("song")))
        leads, lead_count = None, count
        if args.lead_songs is not None:
            of_leads = {folder: read_songs(folder) for folder in args.lead_songs}
            lead_count = sum(map(len, of_leads.values()))
            parts = [_pictures(folder, of_leads[folder], args.heard) for folder in of_leads]
            leads = np.concatenate([one for one, _ in parts]), [family for _, some in parts for family in some]
        print(f"learning from {count} songs, the lead from {lead_count}")
        judges = Judges.learned(heard, leads)
        found = [examination(judges, rest) for rest in examined]
        for rest, each in zip(examined, found, strict=True):
            show(judges, rest, each)
        known = {
            "songs": sum(each["songs"] for each in found),
            "learned from": count,
            "lead learned from": lead_count,
        }
        for folder, each in zip([None, *(args.test or [])[1:]], found, strict=True):
            shares = {variant: share for variant, share in each.items() if variant != "songs"}
            known |= {variant if folder is None else f"{folder.name}, {variant}": shares[variant] for variant in shares}
        Judges(judges.style, judges.key, judges.lead, known).save(args.out)
    except (OSError, ValueError) as error:
        print(f"judges: {error}", file=sys.stderr)
        return 2
    return 0


_TEST_VARIANTS = (("song", 0.0), ("degraded", 0.0))


if __name__ == "__main__":
    sys.exit(main())
