#!/bin/sh
# install.sh DIR: install the wheels that pack.sh downloaded, and write DIR/env.sh, to be sourced in the repository's root.
set -eu
here=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
python3 -m pip install -q --no-index --no-deps --no-compile --upgrade --target "$here/site" "$here"/wheels/*.whl
echo "export PYTHONUNBUFFERED=1 PYTHONPATH=$here/site:$root/packages/unet1d/src:$root/packages/vdiffusion/src:$root/packages/dmae/src:$root/packages/mousai/src" > "$here/env.sh"
