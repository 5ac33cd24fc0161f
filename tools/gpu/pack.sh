#!/bin/sh
# pack.sh DIR PYTHON_VERSION: download wheels for training on a machine without a network (Linux, x86-64), such as 3.12.
set -eu
out=$1
python=$2
mkdir -p "$out/wheels"
python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$python" --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 -d "$out/wheels" \
    cffi docstring_parser importlib_resources 'jsonargparse>=4.53,<5' 'lightning>=2.6.6,<3' lightning_utilities pycparser \
    pytorch_lightning 'ruamel.yaml' 'soundfile>=0.13,<0.15' 'soxr>=0.5,<2' 'tinytag>=2.1,<3' torchmetrics typeshed_client
du -sh "$out/wheels"
