"""`python -m mousai.compose`: write a data set of captioned practice music."""

import argparse
import sys

from ..errors import UserError, options_of
from ..processes import signals_interrupt
from .command import add_arguments, run


def main() -> int:
    """Parse the command line and run; a mistake is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m mousai.compose", description="Compose captioned practice music and render it with FluidSynth."
    )
    add_arguments(parser)
    args = parser.parse_args()
    try:
        with signals_interrupt():
            return run(args)
    except UserError as error:
        print(f"mousai compose: {error.in_options(options_of(parser))}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
