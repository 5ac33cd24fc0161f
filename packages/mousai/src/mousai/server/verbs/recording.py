"""What `edit` and `extend` share: the recording, its clock and key, and what the result states of it."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mousai.conditioning.attributes import MusicAttributes, parse_attributes
from mousai.errors import UserError
from mousai.regions import Region, plan_windows
from mousai.server.files import StoredFile
from mousai.server.provenance import attributes_in
from mousai.server.verbs.base import FileId, Made, Terms, Text, VerbInput, attributes_of, facts_of
from mousai.server.verbs.controls import Controlled
from mousai.verbs.command_line import clock_words, option_words, setting_words

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore


class RecordingInput(Controlled, VerbInput):
    """Input of a verb that changes a recording."""

    recording: FileId = Field(description="recording to work on: id of an upload or of a result")
    prompt: Text | None = Field(
        default=None, description="what the new music is like; by default the recording's own prompt, if mousai made it"
    )

    def files(self) -> list[str]:
        """Return the ids of the recording and of the tune, if there is one."""
        return [self.recording, *self.tune()]

    def regions_of(self, file: StoredFile) -> list[Region]:
        """Return what is made anew, in seconds of the result."""
        raise NotImplementedError

    def words(self, file: StoredFile) -> list[str]:
        """Return the options of the command line that say what is wanted, beside the settings."""
        return []

    def passes(self, files: "FileStore") -> int:
        """Return the number of windows."""
        file, before = files.get(self.recording), float(getattr(self, "before", None) or 0.0)
        return len(plan_windows(self.regions_of(file), kept=Region(before, before + file.seconds)))

    @property
    def keeps_samples(self) -> bool:
        """Tell whether the result has samples of the recording, and so goes as far beyond ±1 as these."""
        return True

    def check_recording(self, terms: Terms) -> StoredFile:
        """Return the recording; `UserError` where nothing says what the new music is like."""
        file = terms.files.recording(self.recording)
        self.check_controls(terms)
        if self.prompt is None and "prompt" not in file.made:
            raise UserError("prompt", hint="must be given: the recording has none of its own")
        self.check_settings(terms)
        self.check_format(
            terms,
            sample_rate=file.sample_rate,
            channels=min(file.channels, 2),
            peak=file.peak if self.keeps_samples else 0.0,
        )
        return file

    def known(self, file: StoredFile) -> MusicAttributes:
        """Attributes of the recording: from the request, else what mousai stored in it, else from the new prompt."""
        own, asked = attributes_in(file.made), parse_attributes(self.prompt or "")
        tempo, key = own.tempo or asked.tempo, asked.key or own.key
        stored = MusicAttributes(tempo=tempo, key=key, first_downbeat=own.first_downbeat)
        return attributes_of(self, stored=stored)

    def remake(
        self,
        pipe: "Mousai",
        files: "FileStore",
        *,
        source: str = "inpaint_audio",
        begins: float = 0.0,
        **wanted: Any,
    ) -> Made:
        """Make what is wanted of the recording.

        Args:
            pipe: the model.
            files: the store.
            source: argument of the pipeline that takes the recording; of `Mousai.loop` it is "audio".
            begins: second of the recording at which the result begins.
            wanted: further arguments of the pipeline, which say what is wanted.
        """
        file = files.get(self.recording)
        known = self.known(file)
        prompt = file.made["prompt"] if self.prompt is None else self.prompt
        given: dict[str, Any] = {source: file.path, **wanted, **self.controls(files), **self.settings()}
        make = pipe.loop if source == "audio" else pipe
        output = make(prompt, negative_prompt=self.negative_prompt, seed=self.seed, attributes=known, **given)
        facts = {source: file.file_name, **facts_of(known, before=-begins)}
        # Of the whole piece, for the next edit; a variation is a piece of its own.
        facts["prompt"] = prompt if source == "init_audio" else file.made.get("prompt", prompt)
        return Made(output=output, facts=facts, command=self._command(file, prompt, known, files))

    def _command(self, file: StoredFile, prompt: str, known: MusicAttributes, files: "FileStore") -> list[str]:
        """Words of the command line that does the same to the recording's download."""
        named = ["--of", file.file_name] if self.verb == "loop" else [file.file_name]
        words = [self.verb, *named, prompt, *self.words(file), "--seed", str(self.seed)]
        words += [*clock_words(known), *option_words({"negative_prompt": self.negative_prompt})]
        return [*words, *self.control_words(files), *setting_words(self.settings())]
