import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mousai.compose import ComposeError
from mousai.compose.production.sf3 import unpacked

RATE = 44100


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def soundfont(waves: list[np.ndarray]) -> bytes:
    """As much of a soundfont of format 3 as is looked into; loops run from 100 to 200 of each sample."""
    oggs = []
    for wave in waves:
        file = io.BytesIO()
        soundfile.write(file, wave, RATE, format="OGG", subtype="VORBIS")
        oggs.append(file.getvalue())
    headers, start = b"", 0
    for ogg in oggs:
        headers += struct.pack("<20sIIIIIBbHH", b"wave", start, start + len(ogg), 100, 200, RATE, 60, 0, 0, 0x11)
        start += len(ogg)
    headers += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    info = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 3, 1)) + chunk(b"INAM", b"test"))
    data = chunk(b"LIST", b"sdta" + chunk(b"smpl", b"".join(oggs)))
    return chunk(b"RIFF", b"sfbk" + info + data + chunk(b"LIST", b"pdta" + chunk(b"shdr", headers)))


@pytest.fixture
def font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "font.sf3"


def test_samples_and_loops_are_those_that_were_packed(font: Path) -> None:
    times = np.arange(3000) / RATE
    waves = [0.5 * np.sin(2 * np.pi * frequency * times) for frequency in (440.0, 1000.0)]
    font.write_bytes(soundfont(waves))
    data = unpacked(font).read_bytes()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    place = data.index(b"smpl")
    samples = np.frombuffer(data[place + 8 :][: struct.unpack_from("<I", data, place + 4)[0]], "<i2") / 32768
    headers = [struct.unpack_from("<20sIIIIIBbHH", data, data.index(b"shdr") + 8 + 46 * i) for i in range(2)]
    for wave, (_, start, end, loop_start, loop_end, rate, pitch, _, _, kind) in zip(waves, headers, strict=True):
        assert (end - start, loop_start - start, loop_end - start) == (3000, 100, 200)
        assert (rate, pitch, kind) == (RATE, 60, 1)
        assert np.corrcoef(samples[start:end], wave)[0, 1] > 0.99
        assert not samples[end : end + 46].any()
    assert struct.unpack_from("<HH", data, data.index(b"ifil") + 8) == (2, 1)


def test_it_is_unpacked_once(font: Path) -> None:
    font.write_bytes(soundfont([np.zeros(500)]))
    copy = unpacked(font)
    copy.write_bytes(b"kept")
    assert unpacked(font) == copy and copy.read_bytes() == b"kept"


def test_other_soundfonts_are_left_alone(tmp_path: Path) -> None:
    assert unpacked(tmp_path / "font.sf2") == tmp_path / "font.sf2"


def test_a_damaged_soundfont_is_one_line_and_leaves_nothing(font: Path, tmp_path: Path) -> None:
    whole = soundfont([np.zeros(500)])
    for damaged in (whole[:100], whole.replace(b"OggS", b"Oggs"), whole[:12]):
        font.write_bytes(damaged)
        with pytest.raises(ComposeError, match="is a damaged soundfont") as caught:
            unpacked(font)
        assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.sf2"))
