"""Value objects instead of long lists of arguments, from the pipeline's call down to the samplers."""

import ast
from pathlib import Path

MOST = 8
PATH = (
    "packages/vdiffusion/src",
    "packages/unet1d/src",
    "packages/dmae/src",
    "packages/mousai/src/mousai/diffusion",
    "packages/mousai/src/mousai/conditioning",
    "packages/mousai/src/mousai/pipeline.py",
    "packages/mousai/src/mousai/composing.py",
    "packages/mousai/src/mousai/verbs",
    "packages/mousai/src/mousai/editing.py",
    "packages/mousai/src/mousai/streaming",
    "packages/mousai/src/mousai/request.py",
    "packages/mousai/src/mousai/regions.py",
    "packages/mousai/src/mousai/codec.py",
    "packages/mousai/src/mousai/output.py",
    "packages/mousai/src/mousai/callbacks.py",
)
FLAT = {
    ("pipeline.py", "__call__"),
    ("pipeline.py", "loop"),
    ("pipeline.py", "stream"),
    ("latent_diffusion.py", "loss"),
    ("griffin_lim.py", "griffin_lim"),
}
"""The calls of the pipeline are flat, as in diffusers; the loss is no part of sampling; Griffin-Lim takes what
`torch.istft` takes, and its own three."""


def test_no_function_of_the_sampling_path_takes_more_than_eight_arguments(root: Path):
    files = [file for name in PATH for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))]
    long = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if len([one for one in given if one.arg not in ("self", "cls")]) > MOST:
                    long.add((file.name, node.name))
    assert long == FLAT
