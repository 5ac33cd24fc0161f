#!/bin/sh
# songs.sh DIR [SONGS] [SECONDS]: compose songs, and encode them for stage 2; both go on where they were stopped.
set -eu
out=$1
python3 -m mousai compose --songs "${2:-400}" --duration "${3:-30}" --out "$out/songs" --seed "${SEED:-0}"
python3 -m mousai data encode "$out/songs" -o "$out/latents" --offsets 2
du -sh "$out/songs" "$out/latents"
