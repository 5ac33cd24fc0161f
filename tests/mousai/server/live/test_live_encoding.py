"""Samples of a live session as bytes: PCM by its definition, Opus page by page."""

import json
from io import BytesIO

import numpy as np
import pytest
import soundfile

from mousai.errors import UserError
from mousai.server.live.encoding import OggOpus, Pcm, check_format, encoder_of

from .test_live import FEW, session


def tone(seconds: float, rate: int = 48000) -> np.ndarray:
    """A different tone on each side `[2, samples]`."""
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * time) for f in (440.0, 660.0)]).astype(np.float32)


def test_pcm_is_interleaved_and_clipped_at_16_bits_alone():
    sound = np.array([[0.0, 1.0, 2.0], [0.5, -1.0, -2.0]], np.float32)
    assert np.frombuffer(Pcm("s16le").encode(sound), "<i2").tolist() == [0, 16384, 32767, -32767, 32767, -32767]
    assert np.frombuffer(Pcm("f32le").encode(sound), "<f4").tolist() == [0.0, 0.5, 1.0, -1.0, 2.0, -2.0]
    assert Pcm("s16le").close() == b""


@pytest.mark.parametrize("step", [4800, 48000, 100_001])
def test_opus_comes_page_by_page_and_is_the_sound_in_its_whole_length(step):
    sound = tone(5.3)
    encoder = encoder_of("opus", 48000, 2)
    parts = [encoder.encode(sound[:, at : at + step]) for at in range(0, sound.shape[1], step)]
    parts.append(encoder.close())
    assert all(part == b"" or part.startswith(b"OggS") for part in parts)
    assert sum(map(len, parts[: len(parts) // 2])) > 0.25 * sum(map(len, parts)) > 0  # not all of it at the end
    read, rate = soundfile.read(BytesIO(b"".join(parts)))
    assert rate == 48000 and read.shape == (sound.shape[1], 2)
    for side in range(2):
        assert np.corrcoef(read[4800:-4800, side], sound[side, 4800:-4800])[0, 1] > 0.99
    assert len(b"".join(parts)) * 8 < sound.size * 4  # an eighth of 16 bits a sample, and less


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 96000])
def test_a_rate_that_opus_has_not_is_refused(rate):
    with pytest.raises(
        UserError, match=rf"^format='opus': has no {rate} samples a second, the model's rate; use s16le$"
    ):
        check_format("opus", rate)
    check_format("s16le", rate)
    check_format("opus", 24000)


def test_a_libsndfile_without_opus_is_named(monkeypatch):
    monkeypatch.setattr(soundfile, "available_subtypes", lambda _: {"VORBIS": ""})
    said = r"^format='opus': is not known to the libsndfile of this server; use s16le$"
    with pytest.raises(UserError, match=said):
        check_format("opus", 48000)


def test_what_was_sent_is_not_changed():
    encoder = OggOpus(48000, 2)
    encoder.encode(tone(3.0))
    encoder._pages.seek(0)
    with pytest.raises(OSError, match="cannot be changed"):
        encoder._pages.write(b"x")
    encoder._pages.seek(0, 2)
    encoder.close()


@pytest.mark.parametrize("ends", ["by itself", "when asked to"])
def test_a_live_session_in_opus_is_a_whole_file(client, ends):
    sound, samples = b"", 0
    with session(client) as socket:
        socket.send_json({**FEW, "format": "opus", "seed": 1, **({"seconds": 3.0} if ends == "by itself" else {})})
        while True:
            message = socket.receive()
            if (part := message.get("bytes")) is not None:
                sound += part
                continue
            told = json.loads(message["text"])
            if told["type"] == "start":
                assert told["format"] == "opus"
            if told["type"] == "chunk":
                samples += told["samples"]
                if ends == "when asked to":
                    socket.send_json({"type": "stop"})
            if told["type"] == "end":
                break
    read, rate = soundfile.read(BytesIO(sound))
    assert rate == 48000 and read.shape == (samples, 2) and samples > 0 and np.abs(read).max() > 0
    assert samples == 144_000 or ends == "when asked to"
