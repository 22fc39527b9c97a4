"""`python -m workshop.cli` is `workshop`, for when the script is not on the PATH."""

import sys

from workshop.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
