"""The recipes of containers: what they start is a command that there is, and nobody's root is needed for it."""

import json
import re
import shlex
from pathlib import Path

import pytest

from mousai.cli.parser import build_parser
from mousai.server.config import ServerConfig

ROOT = Path(__file__).parents[3]
RECIPES = ("deploy/Dockerfile", "deploy/space/Dockerfile")


def instructions(recipe: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile, each in one line, without comments."""
    lines = [line for line in (ROOT / recipe).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, rest in found]


def values(recipe: str, name: str) -> list[str]:
    return [rest for one, rest in instructions(recipe) if one == name]


def started(recipe: str) -> list[str]:
    """Words that the container runs."""
    (words,) = [json.loads(rest) for name, rest in instructions(recipe) if name in ("ENTRYPOINT", "CMD")]
    if words[:2] == ["sh", "-c"]:
        line = words[2].replace("${SPACE_HOST:-localhost}", "me-song.hf.space")
        assert line.startswith("exec ") and "$" not in line  # without exec, no signal reaches it
        words = shlex.split(line.removeprefix("exec "))
    return words


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_it_starts_is_a_command_with_these_options(recipe, monkeypatch):
    program, *words = started(recipe)
    assert program == "mousai" and words[0] == "serve"
    args = build_parser("serve").parse_args(words)
    assert (args.host, args.port) == ("0.0.0.0", 7860)
    monkeypatch.setenv("MOUSAI_KEY", "a-key")
    ServerConfig(
        host=args.host,
        api_key=None if args.api_key_env is None else "a-key",
        no_auth=args.no_auth,
        allowed_hosts=tuple(args.allowed_hosts),
    )
    assert args.api_key_env == (None if "space" in recipe else "MOUSAI_KEY")


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_runs_without_rights_and_offline_on_the_port_that_it_tells(recipe):
    found = instructions(recipe)
    names = [name for name, _ in found]
    assert values(recipe, "USER") == ["1000"] and "RUN" not in names[names.index("USER") :]
    assert any("useradd" in rest and "--uid 1000" in rest for rest in values(recipe, "RUN"))
    assert any("HF_HUB_OFFLINE=1" in rest for rest in values(recipe, "ENV"))
    assert values(recipe, "EXPOSE") == ["7860"]
    assert all(rest.startswith("python:3.12-slim") for rest in values(recipe, "FROM"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_names_no_host_but_itself(recipe):
    text = (ROOT / recipe).read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^/'\"\s]+", text)) <= {"http://127.0.0.1:7860"}


def test_the_health_check_is_python_that_asks_for_health():
    (check,) = values("deploy/Dockerfile", "HEALTHCHECK")
    program, option, code = json.loads(check.partition("CMD ")[2])
    assert (program, option) == ("python", "-c") and "/health" in code
    compile(code, "the health check", "exec")


def test_what_is_copied_and_installed_is_there():
    (copied,) = values("deploy/Dockerfile", "COPY")
    assert (ROOT / copied.split()[0]).is_dir()
    built = " ".join(values("deploy/Dockerfile", "RUN"))
    for folder in re.findall(r"packages/(\w+)", built):
        assert (ROOT / "packages" / folder / "pyproject.toml").is_file()
    assert "packages/mousai[serve,melody]" in built and "--no-index" in built
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "**" and f"!{copied.split()[0]}" in ignored


def test_the_readme_of_the_space_says_docker_and_the_port():
    text = (ROOT / "deploy" / "space" / "README.md").read_text(encoding="utf-8")
    head = dict(line.split(": ", 1) for line in text.split("---\n")[1].splitlines())
    assert head["sdk"] == "docker" and head["app_port"] == "7860" and len(head["short_description"]) <= 60
    for name in re.findall(r"packages/(\w+)", text):
        assert (ROOT / "packages" / name).is_dir()
