"""A torchaudio that cannot be loaded, which parts of transformers import wherever it is installed.

PyPI's wheel of torchaudio for Linux is linked to CUDA's libraries. Beside a PyTorch without CUDA its import raises an
OSError about `_torchaudio.so`, which says to nobody what to do. Nothing here needs torchaudio.
"""

BROKEN_TORCHAUDIO = (
    "torchaudio is installed and cannot be loaded beside this PyTorch (its wheel may be made for CUDA, or for another "
    "version); mousai does not need it: pip uninstall torchaudio, or install the one made for this PyTorch"
)


def is_of_torchaudio(error: BaseException) -> bool:
    """Tell whether an error comes from the import of torchaudio.

    What transformers imports late it reports as an error of its own, whose cause is the first one.
    """
    one: BaseException | None = error
    while one is not None:
        trace = one.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            name = str(frame.f_globals.get("__name__", ""))
            # Code of a module's own level runs only while it is imported.
            if name.partition(".")[0] == "torchaudio" and frame.f_code.co_name == "<module>":
                return True
            trace = trace.tb_next
        one = one.__cause__
    return False
