"""The table of commands; it imports none of them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Args:
        module: has `add_arguments(parser)` and `run(arguments) -> exit code`.
        summary: its line in `mousai --help`.
        examples: shown below its own help.
    """

    module: str
    summary: str
    examples: tuple[str, ...]


COMMANDS = {
    "generate": Command(
        module="mousai.cli.generate",
        summary="make music from a sentence",
        examples=(
            'mousai generate "calm piano pop, 100 bpm" -o song.wav',
            'mousai generate "fast metal in A minor" --duration 60 --seed 7 --count 3 -o metal.flac',
        ),
    ),
    "edit": Command(
        module="mousai.cli.edit",
        summary="make parts of a recording anew; the rest stays sample for sample",
        examples=(
            'mousai edit song.flac --region 8:12 "drum fill, tom toms" -o new.flac',
            'mousai edit song.flac --bars 5:9 --tempo 124 "saxophone solo" -o new.flac',
        ),
    ),
    "extend": Command(
        module="mousai.cli.extend",
        summary="go on from where a recording ends, or lead up to where it begins",
        examples=(
            "mousai extend song.flac --after 20 -o longer.flac",
            'mousai extend demo.wav --before 8 --after 20 "calm piano pop" -o longer.wav',
        ),
    ),
    "vary": Command(
        module="mousai.cli.verbs.vary",
        summary="make a recording anew, from a little to all of it",
        examples=(
            'mousai vary song.flac --strength 0.5 "jazz trio" -o jazz.flac',
            "mousai vary song.flac --strength 0.3 --seed 2 -o other-take.flac",
        ),
    ),
    "loop": Command(
        module="mousai.cli.verbs.loop",
        summary="make whole bars at exactly a tempo whose end runs into their beginning, or make a recording loop",
        examples=(
            'mousai loop "house groove, 124 bpm" --bars 8 -o loop.wav',
            'mousai loop --of song.flac --region 8:16 "house groove" -o loop.wav',
        ),
    ),
    "play": Command(
        module="mousai.cli.playing.command",
        summary="play music without end, and change it while it plays",
        examples=(
            'mousai play "lo-fi, 80 bpm"',
            'mousai play "house groove, 124 bpm" -o - --format s16le',
            'mousai play "jazz trio, 120 bpm" --seconds 600 -o jazz.flac',
        ),
    ),
    "ui": Command(
        module="mousai.cli.server.ui",
        summary="open a page in the browser on which music is made",
        examples=("mousai ui", "mousai ui --port 8000 --no-browser"),
    ),
    "serve": Command(
        module="mousai.cli.server.serve",
        summary="serve the model to other programs over HTTP",
        examples=(
            "mousai serve",
            "mousai serve --host 0.0.0.0 --api-key-env MOUSAI_KEY --queue 8 --max-duration 120",
        ),
    ),
    "reconstruct": Command(
        module="mousai.cli.reconstruct",
        summary="send a recording through the autoencoder and back, to hear what it keeps",
        examples=("mousai reconstruct recording.mp3 -o again.wav",),
    ),
    "encode": Command(
        module="mousai.cli.encode",
        summary="turn a recording into the small latent that latent diffusion works on",
        examples=("mousai encode recording.wav -o recording.safetensors",),
    ),
    "decode": Command(
        module="mousai.cli.decode",
        summary="turn a latent back into sound",
        examples=("mousai decode recording.safetensors -o again.wav",),
    ),
    "info": Command(
        module="mousai.cli.info",
        summary="say what a model is, or how a file was made",
        examples=("mousai info", "mousai info song.wav"),
    ),
    "data": Command(
        module="mousai.cli.data",
        summary="look through a folder of music before training on it, encode it, and pack it for training at scale",
        examples=(
            "mousai data check songs",
            "mousai data encode songs -o latents",
            "mousai data shard latents -o shards",
        ),
    ),
    "train": Command(
        module="mousai.cli.train",
        summary="train either stage on your own music",
        examples=(
            "mousai train latent-diffusion --config tiny --data songs --from bundled --out run --loop.max_steps 500",
            "mousai train latent-diffusion --print-config",
        ),
    ),
    "import": Command(
        module="mousai.cli.import_",
        summary="make a model folder from a checkpoint of the authors' library",
        examples=(
            "mousai import archinetai/dmae1d-ATC64-v2 -o dmae",
            "mousai import latent-diffusion.safetensors --set attention_heads=12 --text-encoder google-t5/t5-base "
            "--text-encoder-revision COMMIT --autoencoder dmae -o model",
        ),
    ),
    "export": Command(
        module="mousai.cli.export",
        summary="make a model folder of a training run, or write a part of a model for the authors' library",
        examples=(
            "mousai export run -o model",
            "mousai export model --part autoencoder --layout audio-diffusion-pytorch -o dmae.safetensors",
        ),
    ),
    "evaluate": Command(
        module="mousai.cli.evaluate",
        summary="judge how well a model, or a folder of clips, follows its prompts and how it sounds",
        examples=(
            "mousai evaluate -o evaluation",
            "mousai evaluate my-model --clips clips-of-another-model -o side-by-side",
        ),
    ),
    "compose": Command(
        module="mousai.compose.command",
        summary="write practice music with captions, to train on",
        examples=("mousai compose --songs 400 --out songs --seed 0",),
    ),
}
