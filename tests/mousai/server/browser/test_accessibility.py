"""What axe finds on the page, in every state of it and in both colour schemes; and what it cannot find."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import in_chromium, versions

pytestmark = in_chromium
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
FEWEST = 25
"""Rules that the page meets: an empty report of an axe that did not run says nothing."""


@pytest.fixture
def faults() -> Callable[[Any], list[str]]:
    """What axe finds serious or worse, in words, in the light and in the dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def found(page: Any) -> list[str]:
        words = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            report = axe.run(page, options=RULES).response
            assert len(report["passes"]) >= FEWEST
            for fault in report["violations"]:
                if fault["impact"] in ("serious", "critical"):
                    places = [str(node["target"]) for node in fault["nodes"]]
                    words.append(f"{scheme}: {fault['id']}, {fault['help']}: {', '.join(places)}")
        return words

    return found


def test_axe_finds_nothing_serious_in_any_state_of_the_page(followed_page: Any, faults: Callable[[Any], list[str]]):
    page = followed_page
    page.click("#more summary")
    page.fill("#setting-steps", "2")
    assert faults(page) == []  # the empty desk, with all settings

    page.fill("#prompt", "soul ballad, 120 bpm")
    page.fill("#write-chords", "Hm")
    page.fill("#duration", "4")
    page.click("#make")
    page.locator("#write-follow [role=alert]").wait_for()
    assert faults(page) == []  # a refusal under its field

    page.fill("#write-chords", "Am")
    assert page.locator("#write-follow [role=alert]").count() == 0  # it is another one now
    page.click("#make")
    versions(page, 1)
    page.locator("details").evaluate_all("them => them.forEach(one => (one.open = true))")
    page.fill("#from", "2")
    page.fill("#to", "2")
    page.locator("#to").dispatch_event("change")
    assert faults(page) == []  # a piece on the desk, a part of it selected, everything unfolded

    page.fill("#setting-steps", "1000")
    page.click("#make")
    page.locator(".job-words", has_text="step").wait_for()
    assert faults(page) == []  # a job on its way
    page.locator(".job button").click()
    page.locator(".job").wait_for(state="detached")


def test_axe_finds_nothing_serious_on_a_phone(
    visit: Callable[..., Any], follows: str, faults: Callable[[Any], list[str]]
):
    page = visit(follows, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_names_what_is_wrong(page: Any, faults: Callable[[Any], list[str]]):
    page.evaluate("document.querySelector('label[for=key-name]').remove()")
    assert any("select-name" in one and "#key-name" in one for one in faults(page))


def test_every_control_has_a_name_of_its_own_in_its_form(followed_page: Any):
    page = followed_page
    named = """form => [...form.elements].filter(one => one.offsetParent && one.tagName !== 'FIELDSET')
      .map(one => one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent)"""
    for form in ("#write", "#redo", "#extend"):
        names = page.locator(form).evaluate(named)
        assert all(one.strip() for one in names) and len(set(names)) >= len(names) - 1  # a slider beside its number
