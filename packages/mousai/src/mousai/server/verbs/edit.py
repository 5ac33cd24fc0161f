"""`{"verb": "edit"}`: parts of a recording made anew."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model
from pydantic.config import JsonDict

from mousai.errors import UserError
from mousai.regions import Region, bars_to_region, check_regions
from mousai.server.files import StoredFile
from mousai.server.verbs.base import Made, Terms, setting_fields
from mousai.server.verbs.recording import RecordingInput
from mousai.verbs.command_line import span_word

if TYPE_CHECKING:
    from mousai.pipeline import Mousai
    from mousai.server.files import FileStore

MOST_REGIONS = 50
_Span = Annotated[list[float], Field(min_length=2, max_length=2)]
_EXAMPLE: JsonDict = {
    "verb": "edit",
    "recording": "0123456789abcdef0123456789abcdef",
    "regions": [[8, 12]],
    "prompt": "drum fill, tom toms",
}


class _Edit(RecordingInput):
    """Parts of a recording made anew; the rest stays sample for sample."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    verb: Literal["edit"]
    regions: list[_Span] = Field(
        default_factory=list, max_length=MOST_REGIONS, description="[start, end] in seconds, of at most 20 s each"
    )
    bars: list[_Span] = Field(
        default_factory=list,
        max_length=MOST_REGIONS,
        description="[first, last] in bars of four beats: [5, 9] are the four bars from bar 5 on; needs a tempo",
    )

    def check(self, terms: Terms) -> None:
        self.regions_of(self.check_recording(terms))

    def words(self, file: StoredFile) -> list[str]:
        """Return the regions as options."""
        return [word for one in self.regions_of(file) for word in ("--region", span_word(one.start, one.end))]

    def make(self, pipe: "Mousai", files: "FileStore") -> Made:
        regions = self.regions_of(files.get(self.recording))
        return self.remake(
            pipe,
            files,
            inpaint_mask_start_seconds=[one.start for one in regions],
            inpaint_mask_end_seconds=[one.end for one in regions],
        )

    def regions_of(self, file: StoredFile) -> list[Region]:
        """Return the regions; `UserError` where they are impossible."""
        known = self.known(file)
        regions = [Region(*span) for span in self.regions]
        if self.bars and known.tempo is None:
            raise UserError("bars", hint="need the tempo; give tempo and first_downbeat")
        for first, last in self.bars:
            tempo, downbeat = known.tempo or 0.0, known.first_downbeat
            regions.append(bars_to_region(first, last, tempo=tempo, first_downbeat=downbeat, length=file.seconds))
        if not regions:
            raise UserError("regions", hint="say what is made anew: regions in seconds, or bars")
        return check_regions(regions, file.seconds, field="bars" if self.bars and not self.regions else "regions")


EditInput: Any = create_model(
    "EditInput", __base__=_Edit, __doc__=_Edit.__doc__, **setting_fields(leave_out=("strength",))
)
"""Input of `edit`."""
