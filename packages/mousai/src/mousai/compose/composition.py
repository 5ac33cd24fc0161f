"""From a seed to a song: everything that is not given is drawn from the seed."""

import math
from collections.abc import Sequence

from ..conditioning.leads import LEADS
from ..errors import UserError, is_finite
from .annotations.extraction import chord_spans, key_spans, section_spans, time_bars
from .instruments import HIGHEST, KIT_NAMES, KITS, PROGRAM_NAMES, PROGRAMS, TOP, balanced_volume
from .song import Song, Track
from .styles import GENRES, Part, Style, styles_of
from .theory import Key, parse_key
from .writing.accompaniment import arpeggio_part, chord_part
from .writing.bass import bass_line
from .writing.changes import draw_changes, tempo_map_of
from .writing.drums import drum_part
from .writing.form import plan_form
from .writing.melody import answer_part, melody_part
from .writing.moods import draw_mood, draw_title
from .writing.performance import perform
from .writing.score import Bar, silenced, stream
from .writing.tempo import TempoMap

LAST_CHORD = 1.2
"""Seconds that the last chord has at least."""
LONGEST = 3600.0
"""Seconds that a song has at most."""
PALETTES = ("style", "leads", "all")
"""Palettes of instruments: those of the style; these under a melody on any lead instrument; any instrument at all."""


def compose_song(
    seed: int,
    *,
    genre: str | None = None,
    bpm: float | None = None,
    key: str | None = None,
    lead: str | None = None,
    duration: float = 30.0,
    palette: str = "style",
) -> Song:
    """Compose the song of a seed; what is not given is drawn from the seed.

    `genre` is a genre or the name of a style, `key` such as "A minor", `lead` the General MIDI program that plays the
    melody, `duration` is in seconds. With `palette="leads"` the melody plays a program drawn evenly from the families
    of `mousai.conditioning.leads`, whatever the style: material for hearing leads apart from styles. With
    `palette="all"` the notes are those of the style, but every layer plays a General MIDI program drawn evenly from all
    128 (or any drum kit), some an octave off: material for hearing timbres. The same arguments give the same song.
    Raises ValueError (UserError but for the key) for a genre, key, tempo, lead, duration or palette that is none.
    """
    if lead is not None and lead not in PROGRAMS:
        raise UserError("lead", lead, "a General MIDI program such as 'flute' or 'tenor saxophone' would do")
    if palette not in PALETTES:
        raise UserError("palette", palette, f"one of {', '.join(PALETTES)} would do")
    if not (is_finite(duration) and 1.0 <= duration <= LONGEST):
        raise UserError("duration", duration, f"1 to {LONGEST:g} seconds would do")
    if bpm is not None and not (is_finite(bpm) and 30 <= bpm <= 300):
        raise UserError("bpm", bpm, "30 to 300 beats per minute would do")
    style = _choose_style(seed, genre)
    tempo = round(bpm) if bpm is not None else _choose_tempo(seed, style)
    tonality = _choose_key(seed, style, key)
    energy = min(max(stream(seed, "energy").gauss(style.energy, 0.08), 0.0), 1.0)
    bar_seconds = style.beats * 60.0 / tempo
    count = max(math.floor((duration - LAST_CHORD) / bar_seconds), 0) + 1
    changes = draw_changes(style, count, stream(seed, "changes"), key=key is None, tempo=bpm is None)

    chance = stream(seed, "parts")
    parts = [part for part in style.parts if chance.random() < part.chance]
    with_drums = bool(style.grooves) and stream(seed, "with drums").random() < style.drum_chance
    roles = [*(("drums",) if with_drums else ()), *(part.role for part in parts)]
    bars = plan_form(style, tonality, count, roles, stream(seed, "form"), changes)
    tempo_map = tempo_map_of(bars, tempo, changes)
    while tempo_map.seconds(bars[-1].start) > duration - LAST_CHORD and count > 1:  # slower bars: fewer of them
        count -= 1
        bars = plan_form(style, tonality, count, roles, stream(seed, "form"), changes)
        tempo_map = tempo_map_of(bars, tempo, changes)

    if lead is None and palette == "leads":
        lead = _any_lead(seed)
    tracks = [
        _part_track(
            seed, style, part, bars, tempo_map, duration, energy, palette, lead if part.role == "lead" else None
        )
        for part in parts
    ]
    if with_drums:
        tracks.append(_drum_track(seed, style, bars, tempo_map, duration, energy, palette))
    tracks = [track for track in tracks if track.notes]
    leads = [track.instrument for track in tracks if track.role == "lead"] or [tracks[0].instrument]
    times = time_bars(bars, tempo_map, duration)
    mood = draw_mood(stream(seed, "mood"), style.genre, energy, tonality, tempo)
    return Song(
        seed=seed,
        genre=style.genre,
        style=style.name,
        bpm=tempo,
        key=tonality.name,
        mode=tonality.mode,
        tempo_map=tempo_map,
        bars=bars,
        beats_per_bar=style.beats,
        duration=float(duration),
        palette=palette,
        energy=round(energy, 3),
        mood=mood,
        title=draw_title(stream(seed, "title"), mood),
        lead=leads[0],
        tracks=tuple(tracks),
        bar_times=times,
        chords=chord_spans(bars, tracks, tempo_map, duration),
        sections=section_spans(times, duration),
        keys=key_spans(bars, times, duration),
    )


def _choose_style(seed: int, genre: str | None) -> Style:
    rng = stream(seed, "style")
    table = styles_of(rng.choice(GENRES) if genre is None else genre)
    return rng.choices(table, [style.weight for style in table])[0]


def _choose_tempo(seed: int, style: Style) -> int:
    """Mostly inside the range of the style, now and then a little outside."""
    rng = stream(seed, "tempo")
    low, high = style.tempo
    if rng.random() < 0.12:
        low, high = round(low * 0.9), round(high * 1.1)
    return rng.randint(low, high)


def _choose_key(seed: int, style: Style, key: str | None) -> Key:
    rng = stream(seed, "key")
    drawn = Key(rng.randrange(12), rng.choice(style.modes))
    if key is None:
        return drawn
    tonic, quality = parse_key(key)
    modes = [mode for mode in style.modes if Key(0, mode).quality == quality]
    return Key(tonic, rng.choice(modes) if modes else quality)


def _any_lead(seed: int) -> str:
    """Every family is as likely as every other, and in it every program."""
    rng = stream(seed, "any lead")
    names = LEADS[rng.choice(tuple(LEADS))]
    return rng.choice([name for name in names if name in PROGRAMS])


def _sounds_of(seed: int, style: Style, part: Part) -> tuple[str, ...]:
    """The instruments of a part; what answers the lead of the style is another one, where there is a choice."""
    if part.kind != "answer":
        return part.instruments
    lead = next(other for other in style.parts if other.role == "lead")
    own = stream(seed, "sound lead").choice(lead.instruments)
    return tuple(name for name in part.instruments if name != own) or part.instruments


def _part_track(
    seed: int,
    style: Style,
    part: Part,
    bars: Sequence[Bar],
    tempo: TempoMap,
    duration: float,
    energy: float,
    palette: str,
    wanted: str | None,
) -> Track:
    rng = stream(seed, f"part {part.role}")
    velocity = part.velocity * (0.94 + 0.1 * energy)
    if part.kind == "bass":
        raw = bass_line(bars, part.role, part.patterns, part.low, velocity, rng)
    elif part.kind == "arpeggio":
        raw = arpeggio_part(bars, part.role, part.patterns, part.low, part.high, velocity, rng)
    elif part.kind == "melody":
        raw = melody_part(bars, part.role, rng.choice(part.patterns), part.low, part.high, velocity, rng)
    elif part.kind == "answer":
        raw = answer_part(bars, part.role, part.patterns, part.low, part.high, velocity, rng)
    else:
        raw = chord_part(
            bars,
            part.role,
            part.patterns,
            part.low,
            part.high,
            velocity,
            rng,
            strum=part.kind == "strum",
            power=part.kind == "power",
        )
    sounds = stream(seed, f"sound {part.role}")
    instrument = sounds.choice(_sounds_of(seed, style, part))
    shift = 0
    if palette == "all":
        instrument = PROGRAM_NAMES[sounds.randrange(128)]
        shift = sounds.choice((-12, 0, 0, 12))
    instrument = wanted or instrument  # drawn all the same, so that everything else stays as it was
    pan = min(max(part.pan + sounds.randint(-8, 8), 0), 127)
    top = HIGHEST.get(instrument, TOP)
    highest = max((note.pitch for note in raw), default=0)
    while (palette == "all" or wanted) and highest + shift > top:  # the whole line moves, so that it stays one
        shift -= 12
    raw = silenced(raw, bars, pick_ups=part.kind == "melody")
    notes = perform(raw, style, tempo, duration, shift, stream(seed, f"play {part.role}"), top)
    return Track(
        role=part.role,
        instrument=instrument,
        program=PROGRAMS[instrument],
        is_drum=False,
        volume=balanced_volume(PROGRAMS[instrument], part.volume + sounds.randint(-6, 6)),
        pan=pan,
        reverb=style.reverb,
        notes=notes,
    )


def _drum_track(
    seed: int, style: Style, bars: Sequence[Bar], tempo: TempoMap, duration: float, energy: float, palette: str
) -> Track:
    velocity = style.drum_velocity * (0.94 + 0.1 * energy)
    raw = drum_part(bars, "drums", style.grooves, velocity, stream(seed, "part drums"), fills=style.fills)
    raw = silenced(raw, bars, pick_ups=False)
    sounds = stream(seed, "sound drums")
    kit = sounds.choice(tuple(KIT_NAMES.values()) if palette == "all" else style.kits)
    return Track(
        role="drums",
        instrument=kit,
        program=KITS[kit],
        is_drum=True,
        volume=min(round(0.88 * (style.drum_volume + sounds.randint(-6, 6))), 127),
        pan=64,
        reverb=style.reverb,
        notes=perform(raw, style, tempo, duration, 0, stream(seed, "play drums")),
    )
