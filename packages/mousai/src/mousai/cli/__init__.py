"""The command line `mousai`: one module for each command, imported when that command is asked for.

What this module imports is light, so that `mousai --help` waits for neither PyTorch nor transformers.
"""

import atexit
import errno
import gc
import io
import os
import sys
from collections.abc import Sequence

from mousai.cli.broken_torchaudio import BROKEN_TORCHAUDIO, is_of_torchaudio
from mousai.cli.commands import COMMANDS
from mousai.cli.parser import build_parser, parse
from mousai.errors import DISK_FULL, UserError, of_system, options_of, out_of_memory
from mousai.processes import exit_code, signals_interrupt, wait_asleep
from mousai.storage.system import open_missing_streams

__all__ = ["COMMANDS", "build_parser", "main"]
_LESS = "give less at once: a shorter recording or piece, a smaller --loop.batch, fewer --workers, or --dtype bfloat16"
_UNREAD = 128 + 13
"""Exit code where nobody reads what is printed any more, as behind `| head`: that of programs which SIGPIPE ends."""
_OF_THE_DISK = (*DISK_FULL, errno.EIO, errno.EROFS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0, 2 for a mistake that one line on stderr names, 130 after Ctrl-C,
    141 where nobody reads what it prints.

    A mistake of the user is a `UserError`, and what the system says of a file or a disk is an `OSError`: names that are
    too long, folders that cannot be read, a full disk. Everything else is a fault of the program, which keeps its
    traceback.
    """
    open_missing_streams()
    wait_asleep()
    _end_soon()
    arguments = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    command = next((word for word in arguments if not word.startswith("-")), None)
    parser = build_parser(command)
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    try:
        parsed = parse(parser, command, arguments)
        with signals_interrupt():
            code = int(parsed.run(parsed))
            sys.stdout.flush()  # what goes wrong there would else be told by Python, after all
            return code
    except KeyboardInterrupt as stopped:
        print("mousai: stopped; what was not finished has not been written", file=sys.stderr)
        return exit_code(stopped)
    except BrokenPipeError:
        _close_stdout()
        return _UNREAD
    except UserError as error:
        print(f"mousai: error: {error.in_options(options_of(parser))}", file=sys.stderr)
        return 2
    except Exception as error:
        if is_of_torchaudio(error):
            line = BROKEN_TORCHAUDIO
        elif isinstance(error, MemoryError | RuntimeError) and (found := out_of_memory(error, _LESS)) is not None:
            line = found.hint
        elif isinstance(error, OSError) and (error.filename is not None or error.errno in _OF_THE_DISK):
            line = of_system(error)
        else:
            raise
        _close_stdout()  # where it could not be written, Python would try once more and complain
        print(f"mousai: error: {line}", file=sys.stderr)
        return 2


def _close_stdout() -> None:
    """Let what could not be printed go nowhere."""
    try:
        sys.stdout.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _end_soon() -> None:
    """Spare the collector its last looks at all objects: a second of CPU time once PyTorch is imported, for nothing."""
    atexit.unregister(gc.freeze)  # once, however often it is asked for
    atexit.register(gc.freeze)
