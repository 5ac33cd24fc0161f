#!/bin/sh
# latent_diffusion.sh DIR OUT SECONDS [OPTIONS OF mousai train latent-diffusion ...]: train stage 2 on DIR/latents by the clock.
set -eu
data=$1 out=$2 seconds=$3
shift 3
exec python3 -m mousai train latent-diffusion --config tiny --from "${FROM:-bundled}" --data "$data/songs" --out "$out" \
    --crops.latents "$data/latents" --crops.times.kind logit_normal --crops.times.mean 1 \
    --device "${DEVICE:-cuda}" --loop.max_steps null --loop.max_time "$seconds" --loop.resident true \
    --loop.cuda_graph "${GRAPH:-true}" --loop.not_finite skip --loop.batch "${BATCH:-256}" --crops.frames "${FRAMES:-256}" \
    --optimizer.learning_rate 1e-3 --logging.logger csv --logging.log_every 50 --logging.listen_every 0 \
    --checkpointing.every_minutes 2 "$@"
