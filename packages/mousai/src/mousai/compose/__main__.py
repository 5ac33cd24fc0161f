"""`python -m mousai.compose`: write a data set of captioned practice music."""

import argparse
import sys

from .command import add_arguments, run


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        prog="python -m mousai.compose", description="Compose captioned practice music and render it with FluidSynth."
    )
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
