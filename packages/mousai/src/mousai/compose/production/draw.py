"""The production that a song gets: drawn from its seed, by the table of its style."""

from random import Random

from ..rendering.layers import layer_of
from ..song import Song
from ..writing.score import stream
from .buses import DISTORTED, ELECTRIC, bus_of
from .config import Bus, Chorus, Compression, Delay, Master, Production, Reverb, SideChain, Tape, Vinyl
from .tables import Profile, Range, profile_of


def draw_production(seed: int, song: Song) -> Production:
    """The production of a song. The same seed and song give the same one, and no draw moves another one."""
    profile = profile_of(song.genre, song.style)

    def rng(label: str) -> Random:
        return stream(seed, f"production {label}")

    wet = _draw(rng("wet"), profile.wet)
    chords = _draw(rng("chords level"), (profile.chords - 2.0, profile.chords + 2.0))
    delay = _delay(rng("delay"), profile)
    lead = {track.instrument for track in song.tracks if layer_of(track) == "lead"}
    return Production(
        seed=seed,
        drums=Bus(
            compression=_compression(rng("drums"), profile, attack=(0.01, 0.03)),
            drive=_drive(rng("drums drive"), profile),
            low_cut=_draw(rng("drums cut"), (22.0, 35.0)),
            width=_draw(rng("drums width"), (0.5, 1.1)),
            reverb=_send(wet - _draw(rng("drums wet"), (4.0, 10.0))),
        ),
        bass=Bus(
            level=_draw(rng("bass level"), (profile.bass - 2.0, profile.bass + 2.0)),
            compression=_compression(rng("bass"), profile, attack=(0.005, 0.02)),
            drive=_drive(rng("bass drive"), profile),
            low_cut=_draw(rng("bass cut"), (25.0, 40.0)),
            width=_draw(rng("bass width"), (0.0, 0.4)),
            reverb=_send(wet - 12.0) if rng("bass wet").random() < 0.3 else None,
        ),
        chords=Bus(
            level=round(chords - (4.0 if "guitars" in {bus_of(track) for track in song.tracks} else 0.0), 4),
            compression=_compression(rng("chords"), profile),
            low_cut=_draw(rng("chords cut"), (40.0, 110.0)),
            chorus=_chorus(rng("chorus"), profile.chorus),
            width=_draw(rng("chords width"), profile.width),
            reverb=_send(wet),
            delay=_send(_draw(rng("chords delay"), (-24.0, -14.0))) if delay and rng("who").random() < 0.3 else None,
        ),
        guitars=Bus(
            level=chords,
            compression=_compression(rng("guitars"), profile),
            drive=_draw(rng("guitars drive"), (-2.0, 6.0)) if rng("guitars driven").random() < 0.7 else None,
            low_cut=_draw(rng("guitars cut"), (60.0, 120.0)),
            cabinet=True,
            chorus=_chorus(rng("guitars chorus"), 0.15),
            width=_draw(rng("guitars width"), profile.width),
            reverb=_send(wet - _draw(rng("guitars wet"), (2.0, 6.0))),
        ),
        lead=Bus(
            compression=_compression(rng("lead"), profile),
            drive=_draw(rng("lead drive"), (-6.0, 3.0)) if lead & set(DISTORTED) else None,
            low_cut=_draw(rng("lead cut"), (50.0, 120.0)),
            cabinet=bool(lead & set(DISTORTED)) or (bool(lead & set(ELECTRIC)) and rng("lead cabinet").random() < 0.6),
            width=_draw(rng("lead width"), (0.5, 1.0)),
            reverb=_send(wet + _draw(rng("lead wet"), (-2.0, 2.0))),
            delay=_send(_draw(rng("lead delay"), (-18.0, -9.0))) if delay else None,
        ),
        reverb=_reverb(rng("reverb"), profile),
        delay=delay,
        side_chain=_side_chain(rng("side chain"), profile, song),
        tape=_tape(rng("tape"), profile),
        vinyl=_vinyl(rng("vinyl"), profile),
        master=_master(rng("master"), profile, song),
    )


def _draw(rng: Random, limits: Range) -> float:
    """A value within limits, rounded to four digits after the point, as it is written down."""
    return round(rng.uniform(*limits), 4)


def _send(level: float) -> float:
    return round(min(max(level, -40.0), 0.0), 4)


def _compression(rng: Random, profile: Profile, attack: Range = (0.005, 0.03)) -> Compression:
    return Compression(
        threshold=_draw(rng, (-6.0, 4.0)),
        ratio=_draw(rng, profile.ratio),
        attack=_draw(rng, attack),
        release=_draw(rng, (0.05, 0.25)),
    )


def _drive(rng: Random, profile: Profile) -> float | None:
    return _draw(rng, profile.drive) if rng.random() < profile.drive_chance else None


def _chorus(rng: Random, chance: float) -> Chorus | None:
    if rng.random() >= chance:
        return None
    return Chorus(
        rate=_draw(rng, (0.2, 1.2)),
        depth=_draw(rng, (0.0008, 0.003)),
        mix=_draw(rng, (0.2, 0.5)),
        delay=_draw(rng, (0.007, 0.015)),
    )


def _reverb(rng: Random, profile: Profile) -> Reverb:
    space = rng.choice(profile.spaces)
    low, high = profile.decay
    middle = (low + high) / 2
    limits = {"room": (low, middle), "plate": (low, high), "hall": (middle, high)}[space]
    predelay = {"room": (0.002, 0.015), "plate": (0.0, 0.03), "hall": (0.01, 0.04)}[space]
    return Reverb(space=space, decay=_draw(rng, limits), predelay=_draw(rng, predelay), damping=_draw(rng, (0.3, 0.8)))


def _delay(rng: Random, profile: Profile) -> Delay | None:
    if rng.random() >= profile.delay:
        return None
    return Delay(
        beats=rng.choice((0.5, 0.75, 0.75, 1.0)),
        feedback=_draw(rng, (0.15, 0.5)),
        damping=_draw(rng, (2000.0, 8000.0)),
        ping_pong=rng.random() < 0.4,
    )


def _side_chain(rng: Random, profile: Profile, song: Song) -> SideChain | None:
    if rng.random() >= profile.side_chain or not kicks(song):
        return None
    return SideChain(depth=_draw(rng, profile.depth), release=_draw(rng, (0.4, 0.9)))


def _tape(rng: Random, profile: Profile) -> Tape | None:
    if rng.random() >= profile.tape:
        return None
    return Tape(
        wow=_draw(rng, (0.0005, 0.002)),
        flutter=_draw(rng, (0.0001, 0.0009)),
        wow_rate=_draw(rng, (0.4, 1.2)),
        flutter_rate=_draw(rng, (6.0, 10.0)),
    )


def _vinyl(rng: Random, profile: Profile) -> Vinyl | None:
    if rng.random() >= profile.vinyl:
        return None
    return Vinyl(level=_draw(rng, (-42.0, -28.0)), crackles=_draw(rng, (2.0, 18.0)))


def _master(rng: Random, profile: Profile, song: Song) -> Master:
    longest = 0.12 * song.duration
    fade_in = min(_draw(rng, (0.5, 4.0)), longest)
    fade_out = min(_draw(rng, (2.0, 8.0)), longest)
    return Master(
        loudness=_draw(rng, profile.loudness),
        tilt=_draw(rng, profile.tilt),
        compression=Compression(
            threshold=_draw(rng, (-2.0, 4.0)),
            ratio=_draw(rng, (1.3, 2.5)),
            attack=_draw(rng, (0.01, 0.04)),
            release=_draw(rng, (0.1, 0.4)),
        ),
        crest=_draw(rng, profile.crest),
        fade_in=round(fade_in, 4) if rng.random() < profile.fade_in else 0.0,
        fade_out=round(fade_out, 4) if rng.random() < profile.fade_out else min(0.6, round(song.duration, 4)),
    )


def kicks(song: Song) -> tuple[float, ...]:
    """Seconds at which a bass drum of the song is hit."""
    return tuple(
        sorted(note.start for track in song.tracks if track.is_drum for note in track.notes if note.pitch in (35, 36))
    )
