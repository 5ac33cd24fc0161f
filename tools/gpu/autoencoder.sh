#!/bin/sh
# autoencoder.sh DIR OUT SECONDS [OPTIONS OF mousai train autoencoder ...]: train stage 1 on DIR/songs by the clock.
set -eu
data=$1 out=$2 seconds=$3
shift 3
exec python3 -m mousai train autoencoder --config tiny --from "${FROM:-bundled}" --data "$data/songs" --out "$out" \
    --device "${DEVICE:-cuda}" --loop.max_steps null --loop.max_time "$seconds" --loop.resident true \
    --loop.cuda_graph "${GRAPH:-true}" --loop.not_finite skip --loop.batch "${BATCH:-48}" --crops.samples "${SAMPLES:-196608}" \
    --optimizer.learning_rate 8e-4 --logging.logger csv --logging.log_every 50 --logging.listen_every 0 \
    --checkpointing.every_minutes 2 "$@"
