"""python check_song.py FILE SECONDS: is the file so many seconds of 48 kHz stereo sound?"""

import sys

import numpy as np

from mousai.audio.files import audio_info, read_audio, read_metadata

path, seconds = sys.argv[1], float(sys.argv[2])
info = audio_info(path)
assert (info.sample_rate, info.channels, info.duration) == (48000, 2, seconds), info
sound = read_audio(path)
assert np.sqrt((sound**2).mean()) > 0.01, "hardly a sound"
assert "seed" in read_metadata(path), "not even its seed is known"
print(f"{path}: {info.duration:.2f} s of {info.sample_rate} Hz stereo, {read_metadata(path)}")
