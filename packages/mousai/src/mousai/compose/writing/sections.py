"""The order of sections of songs of any length, by kind of form."""

from collections.abc import Sequence
from random import Random

BODIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "song": (
        ("chorus",),
        ("verse", "chorus"),
        ("chorus", "verse", "chorus"),
        ("verse", "chorus", "verse", "chorus"),
        ("verse", "chorus", "verse", "chorus", "chorus"),
        ("verse", "chorus", "verse", "chorus", "bridge", "chorus"),
        ("verse", "chorus", "verse", "chorus", "bridge", "chorus", "chorus"),
        ("verse", "chorus", "break", "verse", "chorus", "bridge", "chorus", "chorus"),
        ("verse", "verse", "chorus", "verse", "chorus", "bridge", "break", "chorus", "chorus"),
        ("verse", "verse", "chorus", "verse", "chorus", "bridge", "verse", "chorus", "chorus", "chorus"),
    ),
    "dance": (
        ("drop",),
        ("build", "drop"),
        ("verse", "build", "drop"),
        ("verse", "build", "drop", "drop"),
        ("build", "drop", "break", "build", "drop"),
        ("verse", "build", "drop", "break", "build", "drop"),
        ("verse", "build", "drop", "drop", "break", "build", "drop"),
        ("verse", "build", "drop", "drop", "break", "build", "drop", "drop"),
        ("verse", "verse", "build", "drop", "drop", "break", "build", "drop", "drop"),
        ("verse", "verse", "build", "drop", "drop", "break", "verse", "build", "drop", "drop"),
    ),
    "aaba": (
        ("verse",),
        ("verse", "verse"),
        ("verse", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse", "verse"),
        ("verse", "verse", "bridge", "verse", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse", "solo", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse", "solo", "solo", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse", "solo", "solo", "verse", "bridge", "verse"),
        ("verse", "verse", "bridge", "verse", "solo", "solo", "solo", "verse", "bridge", "verse"),
    ),
    "rondo": (
        ("chorus",),
        ("chorus", "chorus"),
        ("chorus", "verse", "chorus"),
        ("chorus", "verse", "verse", "chorus"),
        ("chorus", "verse", "chorus", "bridge", "chorus"),
        ("chorus", "chorus", "verse", "chorus", "bridge", "chorus"),
        ("chorus", "verse", "chorus", "bridge", "chorus", "verse", "chorus"),
        ("chorus", "chorus", "verse", "chorus", "bridge", "chorus", "verse", "chorus"),
        ("chorus", "chorus", "verse", "verse", "chorus", "bridge", "chorus", "verse", "chorus"),
        ("chorus", "chorus", "verse", "verse", "chorus", "bridge", "bridge", "chorus", "verse", "chorus"),
    ),
}
"""The sections between intro and outro, for one section and more; the last is the aim of the song."""
FORMS = tuple(BODIES)
NAMES = ("intro", *dict.fromkeys(name for bodies in BODIES.values() for body in bodies for name in body), "outro")
"""Names of sections; the last bar is a section of its own, `ending`."""
LONG = 36
"""Bars from which a song has a longer intro and an outro."""
BROAD = 56
"""Bars from which sections have eight bars in place of four."""
SHORT = 20
"""Bars up to which a song is an excerpt: it may start anywhere in the form, with hardly an intro and no outro."""


def body_of(form: str, count: int) -> tuple[str, ...]:
    """The sections of a body of `count` sections; a longer one than the table has begins with a shorter one."""
    bodies = BODIES[form]
    if count <= len(bodies):
        return bodies[count - 1]
    return (*bodies[5], *body_of(form, count - 6))


def lay_out(form: str, count: int, length: int, rng: Random) -> list[tuple[str, int]]:
    """(name, number of bars) of the sections of `count` bars, the last bar of the song not among them.

    Sections of the body have `length` bars, or, where that is 0, four in short songs and eight in long ones; builds
    and breaks of dance music, and bridges and breaks of long songs, half as many. What does not fill a section goes to
    intro, outro and the last section.
    """
    if count <= 0:
        return []
    unit = length or (8 if count >= BROAD else 4)
    if count < unit + 2:
        return [(body_of(form, 1)[0], count)]
    intro = rng.choice((0, 1, 2, 2)) if count < SHORT else rng.choice((2, 4, 4)) if count < LONG else rng.choice((4, 8))
    outro = 0 if count < SHORT else 2 if count < LONG else 4
    body: Sequence[str] = body_of(form, 1)
    for number in range(1, count + 1):
        longer = body_of(form, number)
        if sum(_bars(form, name, unit) for name in longer) > count - intro - outro:
            break
        body = longer
    found = [(name, _bars(form, name, unit)) for name in body]
    if count < SHORT and len(found) > 2 and form == "song" and rng.random() < 0.5:
        found = found[1:] + found[:1]  # an excerpt may start with the chorus
    spare = count - intro - outro - sum(bars for _, bars in found)
    if spare < 0:
        intro, spare = max(intro + spare, 0), 0
        outro = max(count - intro - sum(bars for _, bars in found), 0)
    if 0 < intro < 4 and 4 - intro <= spare:
        spare -= 4 - intro
        intro = 4
    if outro and spare % 4:  # a bar or two more of what is there
        outro += spare % 4
        spare -= spare % 4
    found[-1] = (found[-1][0], found[-1][1] + spare)
    parts = [("intro", intro), *found, ("outro", outro)]
    return [(name, bars) for name, bars in parts if bars > 0]


def _bars(form: str, name: str, unit: int) -> int:
    shorter = ("build", "break") if form == "dance" else ("bridge", "break") if form == "song" and unit == 8 else ()
    return unit // 2 if name in shorter else unit
