"""The page by keyboard alone: written, played, selected and redone without a mouse."""

import re
from typing import Any

from .conftest import LENGTH, in_chromium, versions

pytestmark = in_chromium
FURTHEST = 80
"""Presses of the tab key within which every part of the page is reached."""


def tab_to(page: Any, name: str) -> None:
    """Go on with the tab key until an element of that id has the focus, and is seen to have it."""
    seen = []
    for _ in range(FURTHEST):
        page.keyboard.press("Tab")
        found = page.evaluate("document.activeElement.id")
        if found == name:
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none", f"{name} does not show that it has the focus"
            return
        seen.append(found)
    raise AssertionError(f"{name} is not reached; {seen} are")


def test_a_piece_is_written_played_and_a_part_of_it_redone_without_a_mouse(followed_page: Any):
    page, keys = followed_page, followed_page.keyboard
    choosers: list[Any] = []
    page.on("filechooser", lambda one: choosers.append(one))
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    page.locator("#prompt:focus").wait_for()
    keys.press("Control+a")
    keys.type("soul ballad, 120 bpm")
    tab_to(page, "duration")
    keys.press("Control+a")
    keys.type("4")
    tab_to(page, "write-chords")
    keys.type("Am F")
    tab_to(page, "write-melody")
    keys.press("Enter")
    tab_to(page, "write-section")
    keys.type("v")
    assert page.input_value("#write-section") == "verse"
    tab_to(page, "write-form")
    keys.press("Enter")  # which asks, in any field of the form
    versions(page, 1)
    assert len(choosers) == 1  # the tune's button opened the browser's own dialogue
    assert page.evaluate(LENGTH) < 5

    tab_to(page, "play")
    keys.press("Space")
    page.locator("#time", has_text=re.compile("^0:0(0.[1-9]|[1-9])")).wait_for()
    keys.press("Space")
    page.locator("#play[aria-label=Play]").wait_for()

    tab_to(page, "from")
    keys.type("2")
    tab_to(page, "to")
    keys.type("2")
    keys.press("Tab")
    page.locator("#span-hint", has_text="bar 2, 2.00 s").wait_for()
    tab_to(page, "redo-prompt")
    keys.type("drum fill")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.parentElement.id") == "redo-follow"
    keys.press("Enter")  # unfolds it
    tab_to(page, "redo-chords")
    keys.press("Control+a")
    keys.type("Dm7")
    tab_to(page, "redo-go")
    keys.press("Enter")
    versions(page, 2)
    assert page.locator("#versions [aria-current]").inner_text().startswith("bar 2 anew: drum fill")
    assert page.locator("#piece-facts").inner_text().split("\n")[2] == "Dm7"
