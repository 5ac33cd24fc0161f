"""What is mutated: each target makes its samples once, a case from them, and gives it to the code that reads it."""

from benchmarks.reliability.targets.base import Target
from benchmarks.reliability.targets.commands import Commands
from benchmarks.reliability.targets.models import Models
from benchmarks.reliability.targets.notations import Notations
from benchmarks.reliability.targets.prompts import Prompts
from benchmarks.reliability.targets.sounds import Sounds
from benchmarks.reliability.targets.tables import Shards, Tables
from benchmarks.reliability.targets.tensors import Adapters, Latents

TARGETS: dict[str, type[Target]] = {
    "prompts": Prompts,
    "command lines": Commands,
    "audio files": Sounds,
    "tables": Tables,
    "shards": Shards,
    "latents": Latents,
    "adapters": Adapters,
    "model folders": Models,
    "chords and melodies": Notations,
}
