"""python check_wheel.py NAME: does this package, installed alone, do its work with only what it declares?"""

import json
import math
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.metadata import files, requires, version
from importlib.util import find_spec
from pathlib import Path

SIBLINGS = {"unet1d": set(), "vdiffusion": set(), "dmae": {"unet1d", "vdiffusion"}}
SIBLINGS["mousai"] = {"dmae", *SIBLINGS["dmae"]}


def use_unet1d() -> None:
    import torch

    from unet1d import Level, UNet1d, UNet1dConfig

    net = UNet1d(UNet1dConfig(in_channels=2, levels=(Level(channels=16), Level(channels=16, factor=2))))
    assert net(torch.randn(1, 2, 33), torch.rand(1)).shape == (1, 2, 33)


def use_vdiffusion() -> None:
    import torch

    from vdiffusion import DDIM, alpha_sigma

    def ideal(x, t):  # for data of unit variance v is zero
        return torch.zeros_like(x)

    noise = torch.randn(2, 1, 8)
    # With v = 0 each of 4 steps multiplies by cos(π / 8).
    expected = noise * math.cos(math.pi / 8) ** 4
    assert torch.allclose(DDIM().sample(ideal, noise, num_steps=4), expected, atol=1e-5)
    assert len(alpha_sigma(torch.tensor(0.5))) == 2


def use_dmae() -> None:
    import torch

    from dmae import DMAE, DMAEConfig

    with torch.device("meta"):
        model = DMAE(DMAEConfig.paper())
    assert sum(parameter.numel() for parameter in model.parameters()) == 185_107_872


def use_mousai() -> None:
    program = Path(sys.executable).with_name("mousai")
    for arguments in (["--help"], ["info"]):
        done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.strip(), f"mousai {arguments} says nothing"
    # With no extra installed: the bundled model makes sound.
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.flac"
        command = [program, "generate", "calm piano", "--duration", "2", "--steps", "2", "--seed", "1", "-o", song]
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        from mousai.audio.files import audio_info

        assert audio_info(song).duration == 2.0
    import mousai

    models = Path(mousai.__file__).parent / "models"
    assert list(models.rglob("model.safetensors")) and list(models.rglob("model_index.json"))


def check_bill(distribution: str, package: Path) -> None:
    """The bill of materials names what the wheel asks for, with its bounds, and each file of weights or of others."""
    (path,) = (path for path in files(distribution) or [] if path.parent.name == "sboms")
    bill = json.loads(path.read_text(encoding="utf-8"))
    subject = bill["metadata"]["component"]
    assert bill["bomFormat"] == "CycloneDX" and subject["version"] == version(distribution)
    asked = {}
    for requirement in requires(distribution) or []:
        needed, bounds = re.match(r"([\w.-]+)(?:\[.*?\])?([^;]*)", requirement).groups()
        asked[re.sub(r"[-_.]+", "-", needed).lower()] = set(bounds.strip(" ()").split(","))
    named = {one["name"]: set(one["versionRange"].removeprefix("vers:pypi/").split("|")) for one in bill["components"]}
    assert named == asked, (named, asked)
    parts = subject.get("components", [])
    assert all(part["licenses"][0]["license"]["id"] in ("MIT", "BSD-3-Clause") for part in parts)
    listed = {file["name"] for part in parts for file in part["components"]}
    kinds = (".safetensors", ".npz", ".esm.js")
    held = {one.relative_to(package.parent).as_posix() for one in package.rglob("*") if one.name.endswith(kinds)}
    assert listed == held, listed ^ held


name = sys.argv[1]
package = import_module(name)
assert "site-packages" in package.__file__, package.__file__
others = {"unet1d", "vdiffusion", "dmae", "mousai"} - {name}
assert {other for other in others if find_spec(other)} == SIBLINGS[name], "siblings came along that were not asked for"
loaded = {other for other in others if other in sys.modules}
assert loaded <= SIBLINGS[name], loaded
globals()[f"use_{name}"]()
distribution = "mousai-music" if name == "mousai" else f"mousai-{name}"
check_bill(distribution, Path(package.__file__).parent)
needed = [requirement for requirement in requires(distribution) or [] if "extra ==" not in requirement]
print(f"{distribution} {version(distribution)} works alone; it needs {', '.join(needed)}")
