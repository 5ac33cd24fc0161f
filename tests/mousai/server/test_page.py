"""The page's files: all there, nothing from elsewhere, nothing that its own security policy forbids."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from mousai.server.guard import CONTENT_SECURITY_POLICY
from mousai.server.routes.page import FOLDER

MODULES = sorted(FOLDER.glob("js/*.js"))
SHEETS = sorted(FOLDER.glob("css/*.css"))
INDEX = (FOLDER / "index.html").read_text(encoding="utf-8")


def test_every_file_that_the_page_names_is_sent(client):
    names = set(re.findall(r'(?:href|src)="(page/[^"]+)"', INDEX))
    names |= {f"page/js/{found}" for path in MODULES for found in re.findall(r'from "\./([^"]+)"', path.read_text())}
    names |= {f"page/{found}" for path in MODULES for found in re.findall(r'from "\.\./([^"]+)"', path.read_text())}
    assert {"page/js/page.js", "page/vendor/wavesurfer.esm.js", "page/css/base.css"} <= names
    for name in names:
        response = client.get(f"/{name}")
        assert response.status_code == 200, name
        assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_every_module_and_sheet_is_used():
    text = "".join(path.read_text() for path in MODULES) + INDEX
    assert [path.name for path in (*MODULES, *SHEETS) if path.name not in text] == []


@pytest.mark.parametrize("path", [*MODULES, *SHEETS, FOLDER / "index.html"], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline(path: Path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|@import|innerHTML|\beval\(|new Function", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*src=)", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_finds_every_element_that_it_asks_for(path: Path):
    asked = set(re.findall(r'\$\("([^"]+)"\)', path.read_text()))
    assert asked <= set(re.findall(r'id="([^"]+)"', INDEX))


@pytest.mark.parametrize("path", [*MODULES, *SHEETS], ids=lambda path: path.name)
def test_a_file_is_of_a_size_that_one_reads_in_a_sitting(path: Path):
    assert 30 <= len(path.read_text().splitlines()) <= 300


def test_every_field_and_button_has_a_name():
    labelled = set(re.findall(r'<label for="([^"]+)"', INDEX))
    fields = re.findall(r"<(?:input|select|textarea)[^>]*>", INDEX)
    assert len(fields) > 15
    for field in fields:
        name = re.search(r'id="([^"]+)"', field)
        assert name and (name[1] in labelled or "aria-label=" in field), field
    for attributes, content in re.findall(r"<button([^>]*)>(.*?)</button>", INDEX, flags=re.DOTALL):
        assert "aria-label=" in attributes or re.sub(r"<[^>]*>", "", content).strip(), attributes


def test_the_policy_lets_wavesurfer_write_its_style_and_no_other():
    source = (FOLDER / "vendor" / "wavesurfer.esm.js").read_text(encoding="utf-8")
    begin = source.index("<style${")
    style = source[source.index("}>", begin) + 2 : source.index("</style>", begin)].replace("\\n", "\n")
    height = re.search(r"const WAVE_HEIGHT = (\d+);", (FOLDER / "js" / "deck.js").read_text())
    assert height
    style = re.sub(r"\$\{this\.getHeight\(.*?\)\}", height[1], style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert re.findall(r"'sha256-([^']+)'", CONTENT_SECURITY_POLICY) == [digest]
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_the_vendored_files_are_the_ones_of_the_version_that_the_readme_says():
    known = {
        "wavesurfer.esm.js": "079f3b142f37737f975b03ea8fd18652a316dc2120a2629aeca0844a0c08f2b1",
        "regions.esm.js": "f3b9a81f56d0301affbeb5693dc9c43527efd6e97e534f17329192a7ce7fc4d4",
    }
    for name, digest in known.items():
        assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == digest
    assert "wavesurfer.js 8.0.1" in (FOLDER / "vendor" / "README.md").read_text()
    assert "BSD 3-Clause" in (FOLDER / "vendor" / "LICENSE.txt").read_text()


def test_a_file_is_sent_in_another_container_with_what_is_stored_in_it(client):
    from mousai.audio.files import read_metadata

    from .conftest import predict, service_of

    made = predict(client, seed=3)
    folder = service_of(client).files.folder
    before = set(folder.iterdir())
    response = client.get(made["output"], params={"format": "flac"})
    assert response.content[:4] == b"fLaC" and response.headers["content-type"].endswith("flac")
    assert set(folder.iterdir()) == before
    copy = folder / "copy.flac"
    copy.write_bytes(response.content)
    assert read_metadata(copy)["seed"] == "3"
    copy.unlink()
    assert client.get(made["output"], params={"format": "aac"}).status_code == 422


def test_an_upload_that_a_container_cannot_hold_is_refused_in_words(client):
    from .conftest import message_of, upload, wav

    loud = upload(client, wav(0.2, level=3.0, subtype="FLOAT"))
    assert "beyond ±1" in message_of(client.get(f"/v1/files/{loud}", params={"format": "mp3"}), 415)


def test_the_styles_that_the_bundled_model_knows_are_told(client):
    styles = client.get("/v1/models").json()["data"][0]["styles"]
    assert {"piano pop", "techno", "waltz"} <= {one["name"] for one in styles}
    assert all(30 <= one["tempo"][0] <= one["tempo"][1] <= 300 for one in styles)
