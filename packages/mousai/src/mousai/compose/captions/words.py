"""The words of captions: genres, moods, instruments, contexts and speeds, usual ones first."""

GENRE_WORDS: dict[str, tuple[str, ...]] = {
    "electronic": ("electronic", "electronic", "electronic", "electronic dance", "electro", "edm", "club"),
    "hip hop": ("hip hop", "hip hop", "hip hop", "hip-hop", "hiphop", "rap"),
    "metal": ("metal", "metal", "metal", "heavy metal", "metal rock"),
    "pop": ("pop",),
    "jazz": ("jazz", "jazz", "jazz", "jazzy"),
    "classical": ("classical",),
    "reggae": ("reggae", "reggae", "reggae", "jamaican reggae"),
    "ambient": ("ambient", "ambient", "ambient", "atmospheric ambient"),
    "latin": ("latin", "latin", "latin american"),
    "folk": ("folk", "folk", "folk", "acoustic folk"),
}
"""Adjectives for a genre."""

LOOSE_WORDS = ("jazzy", "latin american", "funky", "soulful", "bluesy", "cinematic", "orchestral")
"""Words for genres and styles that need a noun behind them."""

GENRE_NOUNS: dict[str, tuple[str, ...]] = {
    "electronic": ("track", "beat", "club track", "dance track"),
    "hip hop": ("beat", "beat", "beat", "instrumental"),
    "metal": ("song", "track", "instrumental"),
    "pop": ("song", "tune", "track"),
    "jazz": ("tune", "piece", "number"),
    "classical": ("piece", "piece", "composition"),
    "reggae": ("groove", "song", "track"),
    "ambient": ("piece", "soundscape", "piece", "music"),
    "latin": ("song", "groove", "dance"),
    "folk": ("song", "tune", "tune"),
}
NOUNS = ("track", "song", "piece", "tune", "instrumental", "music")

MOOD_WORDS: dict[str, tuple[str, ...]] = {
    "calm": ("calm", "calm", "quiet", "soothing", "gentle"),
    "peaceful": ("peaceful", "serene", "gentle", "calm"),
    "tender": ("tender", "soft", "gentle", "delicate"),
    "melancholic": ("melancholic", "melancholy", "wistful", "sad"),
    "dreamy": ("dreamy", "hazy", "calm", "floating"),
    "sad": ("sad", "sorrowful", "melancholic"),
    "warm": ("warm", "mellow", "friendly"),
    "relaxed": ("relaxed", "laid-back", "chill", "easy-going"),
    "cheerful": ("cheerful", "happy", "bright", "sunny"),
    "moody": ("moody", "brooding", "smoky"),
    "reflective": ("reflective", "thoughtful", "nostalgic"),
    "mysterious": ("mysterious", "enigmatic", "shadowy"),
    "uplifting": ("uplifting", "upbeat", "euphoric", "happy"),
    "energetic": ("energetic", "lively", "powerful"),
    "joyful": ("joyful", "happy", "exuberant"),
    "dark": ("dark", "gloomy", "menacing", "aggressive"),
    "intense": ("intense", "powerful", "energetic"),
    "passionate": ("passionate", "fiery", "dramatic"),
    "driving": ("driving", "energetic", "relentless"),
}
"""Words for the moods of `mousai.compose.song.MOODS`."""

INSTRUMENT_WORDS: dict[str, tuple[str, ...]] = {
    "distorted guitar": ("distorted guitar", "distorted guitar", "distortion guitar", "heavy guitar"),
    "overdriven guitar": ("overdriven guitar", "electric guitar"),
    "clean electric guitar": ("clean electric guitar", "electric guitar"),
    "muted guitar": ("muted guitar", "electric guitar"),
    "tenor saxophone": ("tenor saxophone", "saxophone", "sax"),
    "alto saxophone": ("alto saxophone", "saxophone", "sax"),
    "upright bass": ("upright bass", "double bass", "acoustic bass"),
    "rubber synth bass": ("synth bass",),
    "bright piano": ("bright piano", "piano"),
    "nylon guitar": ("nylon guitar", "classical guitar", "acoustic guitar"),
    "drawbar organ": ("drawbar organ", "organ", "hammond organ"),
    "fm electric piano": ("fm electric piano", "electric piano"),
    "square lead": ("square lead", "synth lead", "synthesizer"),
    "saw lead": ("saw lead", "synth lead", "synthesizer"),
    "warm pad": ("warm pad", "synth pad", "pad"),
    "drum machine": ("drum machine", "electronic drums", "drums"),
    "electronic drums": ("electronic drums", "drums"),
    "power drums": ("drums", "powerful drums"),
    "room drums": ("drums",),
    "jazz drums": ("jazz drums", "drums"),
    "brushed drums": ("brushed drums", "brushes", "soft drums"),
    "strings": ("strings", "string section"),
    "fiddle": ("fiddle", "violin"),
}
"""Everyday names of instruments; one that is not here goes by its name."""

# fmt: off
CONTEXTS = (
    "at a party", "in a club", "at the club", "in a bar", "at a concert", "at a festival", "live on stage",
    "in the studio", "at home", "in the kitchen", "in the city", "in the garden", "by the river", "in the mountains",
    "on the train", "on a monday", "on a sunday", "for the weekend", "in the morning", "for the evening",
    "after midnight", "at dawn", "in winter", "in spring", "in the rain", "in the sun", "for a walk",
    "for a long drive", "for dinner", "for a wedding", "for a film scene", "for a video game", "for a podcast",
    "for a trailer", "for studying", "for friends", "for children", "for a vlog", "for a youtube video",
    "for a short film", "for a menu screen", "for the end credits", "for a loading screen", "for a title screen",
    "for my stream", "for a game jam", "for a travel video", "for a montage", "for a presentation", "for a mobile game",
    "for an intro", "as background music",
)
# fmt: on
"""For what and where any music can be."""

SPEEDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (84, ("slow",)),
    (96, ("mid-tempo", "moderately slow", "unhurried")),
    (120, ("mid-tempo", "moderate", "medium tempo")),
    (136, ("mid-tempo", "quick", "brisk")),
    (1e9, ("fast",)),
)
"""Adjectives for tempos, each line up to a number of beats per minute."""


def speed_words(bpm: float) -> tuple[str, ...]:
    """Adjectives for a tempo."""
    return next(words for limit, words in SPEEDS if bpm < limit)


SPEED_NICKNAMES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (72, ("slow", "very slow", "slow tempo", "downtempo", "lento")),
    (84, ("slow", "slow tempo", "downtempo", "slow-paced")),
    (96, ("midtempo", "mid tempo", "slowish", "steady")),
    (120, ("midtempo", "mid tempo", "moderate tempo", "steady", "walking pace")),
    (136, ("uptempo", "up-tempo", "upbeat tempo", "quick")),
    (160, ("uptempo", "up-tempo", "fast tempo", "fast-paced", "high tempo", "quick")),
    (1e9, ("very fast", "fast tempo", "fast-paced", "high speed", "uptempo", "super fast", "allegro")),
)
"""Rarer words for tempos, each line up to a number of beats per minute."""


def speed_nicknames(bpm: float) -> tuple[str, ...]:
    """Rarer words for a tempo."""
    return next(words for limit, words in SPEED_NICKNAMES if bpm < limit)
