"""``python -m hansa.cli``: the same as ``hansa``."""

from hansa.cli.app import main

main()
