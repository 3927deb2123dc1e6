"""The application: its commands, its version, and the one place where errors become words."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hansa import __version__
from hansa.cli import (
    archive,
    demo,
    doctor,
    history,
    importing,
    init,
    query,
    serve,
    spokes,
    subscriptions,
    types,
)
from hansa.cli.console import show_error
from hansa.kernel.errors import HansaError

__all__ = ["app", "main"]


class _Group(TyperGroup):
    """Turns every error that Hansa raises on purpose into its three parts and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HansaError as error:
            show_error(error, ctx)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Group,
    name="hansa",
    help="An open, self-hosted city node.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    init,
    serve,
    demo,
    importing,
    query,
    types,
    spokes,
    subscriptions,
    history,
    archive,
    doctor,
):
    module.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hansa {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """An open, self-hosted city node."""


def main() -> None:
    """Run the command that the process was started with."""
    if hasattr(signal, "SIGPIPE"):  # `hansa query | head` ends quietly, as other tools do
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
