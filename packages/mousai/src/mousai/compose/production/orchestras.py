"""The soundfonts that songs are played with: which there are, what each is for, and which one a song draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ..errors import ComposeError
from ..writing.score import stream

USES = ("train", "examine")
"""Uses of an orchestra: songs to train on, or songs that examine what was trained on the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestra:
    """A General MIDI soundfont. `package` is Debian's, `files` are where it is looked for, the best first."""

    name: str
    title: str
    licence: str
    package: str
    files: tuple[str, ...]
    use: str

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown use."""
        if self.use not in USES:
            raise ValueError(f"use is {self.use!r}; one of {', '.join(USES)} would do")


ORCHESTRAS: dict[str, Orchestra] = {
    orchestra.name: orchestra
    for orchestra in (
        Orchestra(
            name="fluidr3",
            title="FluidR3 GM",
            licence="MIT",
            package="fluid-soundfont-gm",
            files=("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/soundfonts/FluidR3_GM.sf2"),
            use="train",
        ),
        Orchestra(
            name="musescore",
            title="MuseScore General",
            licence="MIT",
            package="musescore-general-soundfont",
            files=("/usr/share/sounds/sf3/MuseScore_General_Full.sf3",),
            use="train",
        ),
        Orchestra(
            name="timgm6mb",
            title="TimGM6mb",
            licence="GPL-2",
            package="timgm6mb-soundfont",
            files=("/usr/share/sounds/sf2/TimGM6mb.sf2",),
            use="examine",
        ),
        Orchestra(
            name="opl3",
            title="OPL-3 FM 128M",
            licence="CC-BY-SA-4.0",
            package="opl3-soundfont",
            files=("/usr/share/sounds/sf2/OPL-3_FM_128M.sf2",),
            use="examine",
        ),
    )
}
"""Every orchestra by its name."""

UNPLAYABLE: dict[str, str] = {"freepats": "is a set of GUS patches, which FluidSynth cannot play"}
"""Instrument sets that were asked for and cannot be an orchestra, and why."""

TRAINING = tuple(name for name, orchestra in ORCHESTRAS.items() if orchestra.use == "train")
EXAMINATION = tuple(name for name, orchestra in ORCHESTRAS.items() if orchestra.use == "examine")


def parse_orchestras(text: str) -> tuple[str, ...]:
    """Names out of `train`, `examine`, a name, or several with commas between them; each once, in that order.

    Raises UserError for an unknown name.
    """
    names: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if word in UNPLAYABLE:
            raise UserError("orchestra", word, f"{UNPLAYABLE[word]}; one of {', '.join(ORCHESTRAS)} would do")
        if word not in (*USES, *ORCHESTRAS):
            raise UserError(
                "orchestra",
                word,
                f"{', '.join(ORCHESTRAS)}, 'train' or 'examine' would do, or several with commas",
            )
        names += {"train": TRAINING, "examine": EXAMINATION}.get(word, (word,))
    return tuple(dict.fromkeys(names))


def draw_orchestra(seed: int, names: Sequence[str] = TRAINING) -> str:
    """The orchestra of the song of a seed: one of `names`, whatever is installed."""
    return stream(seed, "orchestra").choice(tuple(names))


def find_orchestra(name: str) -> Path:
    """The soundfont file of an orchestra.

    Raises UserError for an unknown name, ComposeError where it is not installed.
    """
    (known,) = parse_orchestras(name) if name in ORCHESTRAS or name in UNPLAYABLE else ("",)
    if not known:
        raise UserError("orchestra", name, f"one of {', '.join(ORCHESTRAS)} would do")
    orchestra = ORCHESTRAS[known]
    for path in map(Path, orchestra.files):
        if path.is_file():
            return path
    raise ComposeError(
        "orchestra",
        name,
        f"its soundfont ({orchestra.title}) is not installed; install it (Debian and Ubuntu: apt install "
        f"{orchestra.package}) or ask for another orchestra",
    )
