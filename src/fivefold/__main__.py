"""``python -m fivefold`` is the ``fivefold`` command."""

from fivefold.cli import main

if __name__ == "__main__":
    main()
