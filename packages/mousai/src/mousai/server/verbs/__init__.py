"""Verbs of a prediction, `{"verb": "generate", ...}`, and the table of them."""

from mousai.server.verbs.base import VerbInput
from mousai.server.verbs.edit import EditInput
from mousai.server.verbs.extend import ExtendInput
from mousai.server.verbs.generate import GenerateInput
from mousai.server.verbs.loop import LoopInput
from mousai.server.verbs.vary import VaryInput

VERBS: dict[str, type[VerbInput]] = {
    "generate": GenerateInput,
    "edit": EditInput,
    "extend": ExtendInput,
    "vary": VaryInput,
    "loop": LoopInput,
}
"""Verb -> its input. A new verb is a class like these and an entry here."""
