"""`python -m mousai` is `mousai`."""

import sys

from mousai.cli import main

if __name__ == "__main__":
    sys.exit(main())
