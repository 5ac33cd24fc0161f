"""From what FluidSynth played to a record: each bus through its effects, the lead to its level, all to the master."""

from collections.abc import Mapping

import numpy as np

from ..rendering.balance import heard_power, lead_gain
from ..rendering.layers import LAYERS
from ..song import Song
from .buses import BUSES
from .config import Bus, Production
from .draw import kicks
from .dynamics import compress, pumping, saturate
from .filters import CABINET, Floats, Wave, convolve, high_pass, kernel, tilt
from .master import master
from .modulation import chorus, read_at, tape_places
from .space import delay_response, echoes, reverb_response, send, send_response
from .vinyl import vinyl_noise

_POWER = 1e6
"""K-weighted power, as `heard_power` counts it, of a bus at level 0: any would do, for the master sets the loudness."""
LEAD_PUMPING = 0.5
"""Share of the depth of pumping that the lead gets."""


def produce(
    buses: Mapping[str, Wave], song: Song, production: Production, *, lead_level: float
) -> tuple[Wave, dict[str, Wave], float]:
    """Produce a song.

    Args:
        buses: float32 `[2, samples]` for names out of `BUSES`; those that do not play may be missing.
        song: what is played; its tempo sets echoes, its bass drum the pumping.
        production: what is done.
        lead_level: loudness of the lead less that of everything else, in dB, after the effects of both.

    Returns:
        The mix behind the limiter, the stems by the names of `LAYERS` that add up to the mix before it, and the
        integrated loudness of the mix in LUFS.
    """
    samples = next(iter(buses.values())).shape[1]
    rng = np.random.default_rng([production.seed & 0xFFFFFFFF, production.seed >> 32])
    reverb = reverb_response(production.reverb, rng)
    steady = production.delay if song.tempo_map.steady else None
    delay = None if steady is None else delay_response(steady, song.seconds_per_beat)
    stems = {layer: np.zeros((2, samples), dtype=np.float32) for layer in LAYERS}
    for name in BUSES:
        if name in buses:
            stem = "chords" if name == "guitars" else name
            bus = production.bus(name)
            sound = _dry(buses[name], bus, production.master.tilt)
            stems[stem] += _with_sends(sound, bus, reverb, delay)
            if bus.delay is not None and production.delay is not None and steady is None:
                stems[stem] += echoes(sound, production.delay, song.tempo_map) * np.float32(10 ** (bus.delay / 20))
    if production.side_chain is not None:
        down = pumping(kicks(song), production.side_chain, song.seconds_per_beat, samples)
        for layer in ("bass", "chords"):
            stems[layer] *= down
        stems["lead"] *= down ** np.float32(LEAD_PUMPING)
    rest = stems["drums"] + stems["bass"] + stems["chords"]
    stems["lead"] *= np.float32(lead_gain(stems["lead"], rest, lead_level))
    if production.tape is not None:
        phases = rng.uniform(0, 2 * np.pi, 2)
        places = tape_places(production.tape, samples, (float(phases[0]), float(phases[1])))
        stems = {layer: read_at(stem, places) if stem.any() else stem for layer, stem in stems.items()}
    if production.vinyl is not None:
        loud = heard_power(rest + stems["lead"])
        noise = vinyl_noise(production.vinyl, samples, rng)
        level = np.sqrt(loud / max(heard_power(noise), 1e-20)) * 10 ** (production.vinyl.level / 20)
        stems["chords"] = stems["chords"] + noise * np.float32(level)
    mix, loudness = master(stems, production.master)
    return mix, stems, loudness


def _dry(sound: Wave, bus: Bus, tilt_gain: float) -> Wave:
    """One bus through its effects and at its level, without its sends."""
    if not sound.any():
        return sound
    if bus.compression is not None:
        sound = compress(sound, bus.compression)
    if bus.drive is not None:
        sound = saturate(sound, bus.drive)
    sections = [high_pass(bus.low_cut), *tilt(tilt_gain), *(CABINET if bus.cabinet else ())]
    sound = convolve(sound, kernel(sections))
    if bus.chorus is not None:
        sound = chorus(sound, bus.chorus)
    if bus.width != 1.0:
        surplus = (sound[0] - sound[1]) / 2 * np.float32(1 - bus.width)
        sound = np.stack((sound[0] - surplus, sound[1] + surplus))
    power = heard_power(sound)
    if power > 0:
        sound = sound * np.float32(np.sqrt(_POWER * 10 ** (bus.level / 10) / power))
    return sound


def _with_sends(sound: Wave, bus: Bus, reverb: Floats, delay: Floats | None) -> Wave:
    """A bus with its reverb and its echoes on top."""
    if not sound.any():
        return sound
    response = send_response(
        None if bus.reverb is None else reverb * 10 ** (bus.reverb / 20),
        None if bus.delay is None or delay is None else delay * 10 ** (bus.delay / 20),
    )
    return sound if response is None else sound + send(sound, response)
