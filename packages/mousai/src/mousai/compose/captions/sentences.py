"""The forms of captions: tags, a few words, a sentence, several."""

from collections.abc import Callable
from random import Random

from .facts import Facts
from .phrases import article, as_lead, in_key, join, listed, loose, prefixed


def tags(facts: Facts, rng: Random) -> str:
    """`pop, calm, piano, 100 bpm, C major`, mostly in any order."""
    lead = ""
    if facts.lead:
        lead = rng.choice((facts.lead, as_lead(facts.lead), f"lead {facts.lead}", f"{facts.lead} solo"))
    told = [facts.genre, facts.style, facts.mood, facts.speed, facts.bpm, facts.key, lead, *facts.players]
    told = list(dict.fromkeys(tag for tag in (*told, facts.undrummed, facts.context) if tag))
    if rng.random() < 0.7:
        rng.shuffle(told)
    return rng.choice((", ", ", ", " ", "; ")).join(told)


def short(facts: Facts, rng: Random) -> str:
    """`calm piano pop, 100 bpm`, `hip hop beat 90 bpm`."""
    lead = facts.lead if rng.random() < 0.7 else ""
    noun = facts.noun if rng.random() < 0.5 or loose(facts.kind) else ""
    head = join([*rng.sample([facts.mood, facts.speed], 2), lead, facts.kind, noun, facts.context])
    tail = [rng.choice((facts.key, in_key(facts.key))), facts.bpm]
    if rng.random() < 0.4:
        tail.append(rng.choice((listed(facts.players), prefixed("with", listed(facts.players)))))
    rng.shuffle(tail)
    return rng.choice((", ", ", ", " ")).join(part for part in (head, *tail, facts.undrummed) if part)


def sentence(facts: Facts, rng: Random) -> str:
    """`fast metal in E minor with distorted guitar, 160 bpm`, `a slow, calm pop song with piano at 72 bpm`."""
    adjectives = rng.choice((", ", " ")).join(part for part in rng.sample([facts.mood, facts.speed], 2) if part)
    noun = "" if not loose(facts.kind) and rng.random() < 0.35 else facts.noun
    text = join([adjectives, facts.kind, noun, facts.context])
    if noun not in ("", "music") and rng.random() < 0.75:
        text = article(text)
    clauses = [in_key(facts.key), facts.undrummed.replace("no drums", "with no drums")]
    if facts.lead and rng.random() < 0.5:
        led = (
            f"led by {facts.lead}",
            f"with {article(as_lead(facts.lead))}",
            f"with {facts.lead} on the melody",
            f"with {article(facts.lead)} solo",
        )
        clauses.append(join([rng.choice(led), prefixed("over", listed(facts.players))]))
    else:
        everyone = [*([facts.lead] if facts.lead else []), *facts.players]
        rng.shuffle(everyone)
        clauses.append(prefixed(rng.choice(("with", "with", "featuring")), listed(everyone)))
    rng.shuffle(clauses)
    if facts.bpm and rng.random() < 0.6:
        clauses.insert(rng.randint(0, len(clauses)), rng.choice((f"at {facts.bpm}", f"at a tempo of {facts.bpm}")))
        return join([text, *clauses])
    return join([text, *clauses]) + (f", {facts.bpm}" if facts.bpm else "")


def sentences(facts: Facts, rng: Random) -> str:
    """`A calm pop song. The lead instrument is piano. The tempo is 72 bpm.`"""
    noun = facts.noun if facts.noun != "music" else "piece"
    said = [article(join([facts.mood, facts.kind, noun, facts.context]))]
    rest: list[str] = []
    if facts.lead:
        led = (
            f"the melody is on {facts.lead}",
            f"the lead instrument is {facts.lead}",
            f"melody on {facts.lead}",
            f"{article(facts.lead)} solo",
        )
        rest.append(rng.choice(led))
    if facts.players:
        rest.append(f"{rng.choice(('it features', 'with', 'instruments:'))} {listed(facts.players)}")
    if facts.bpm:
        told = f"the tempo is {facts.bpm}", f"tempo: {facts.bpm}", f"played at {facts.bpm}"
        rest.append(rng.choice(told) + (f", {facts.speed}" if facts.speed else ""))
    elif facts.speed:
        rest.append(f"the tempo is {facts.speed}")
    rest += [part for part in (in_key(facts.key), facts.undrummed) if part]
    if rng.random() < 0.5:
        rng.shuffle(rest)
    return ". ".join(part[0].upper() + part[1:] for part in said + rest) + "."


FORMS: tuple[Callable[[Facts, Random], str], ...] = (tags, tags, short, short, sentence, sentence, sentences)
