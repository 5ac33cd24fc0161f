#!/usr/bin/env bash
# The way of docs/train-on-your-own-music.md from nothing to a song, in the smallest setting: 50 composed songs, a few steps.
#
#   bash .ci/train_your_own.sh FOLDER
#
# Run in the repository, with hatch on the path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$1

hatch run mousai compose --songs 50 --duration 6 --orchestra fluidr3 --out "$work/my-music" --quiet
hatch run mousai data check "$work/my-music"
hatch run mousai train latent-diffusion --config tiny --from bundled --data "$work/my-music" --out "$work/runs/mine" \
    --loop.max_steps 4 --optimizer.learning_rate 3e-4 --loop.batch 4 --crops.frames 64 --crops.offsets 1 \
    --logging.listen_every 4 --logging.listen_count 1 --logging.listen_seconds 2 --logging.validate_every 4
hatch run mousai export "$work/runs/mine" -o "$work/my-model"
hatch run mousai generate "slow synthwave with a saxophone, 84 bpm" --model "$work/my-model" --duration 5 -o "$work/mine.wav"
hatch run python .ci/check_song.py "$work/mine.wav" 5
test -s "$work/my-model/README.md"
compgen -G "$work/runs/mine/samples/step-000000004/*.png" >/dev/null
