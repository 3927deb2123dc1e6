"""The command line: one small module per command, put together here.

A command writes its result to standard output and everything else to standard error. It ends with 0
when it did what it was asked for, 1 when it was refused or failed (the message says what, why and what to do
now; single records that an import refuses are no failure while others come in), and 2 when the command line itself
could not be understood.
"""

from hansa.cli.app import app, main

__all__ = ["app", "main"]
