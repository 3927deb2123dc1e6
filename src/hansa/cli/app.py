"""The application: its commands, its version, and the one place where errors become words."""

from __future__ import annotations

import errno
import signal
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from hansa import __version__
from hansa.cli import (
    account,
    algorithm,
    archive,
    client,
    demo,
    doctor,
    history,
    importing,
    init,
    log,
    policy,
    privacy,
    provider,
    query,
    resident,
    serve,
    source,
    spokes,
    subscriptions,
    token,
    types,
)
from hansa.cli.console import show_error
from hansa.kernel.errors import BadRequest, HansaError, Unavailable

__all__ = ["app", "main"]


class _Group(TyperGroup):
    """Turns every error that Hansa raises on purpose into its three parts and exit code 1.

    The same with what the file system refuses: a path that is too long or not ours to read, a full disk.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for word in args:
            if not word.isprintable() and any("\ud800" <= each <= "\udfff" for each in word):
                ctx.fail(f"{ascii(word)[:80]} is not UTF-8: it cannot be read as text")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HansaError as error:
            show_error(error, ctx)
            raise typer.Exit(1) from error
        except OSError as error:
            refused = _from_system(error, ctx.invoked_subcommand)
            if refused is None:
                raise
            show_error(refused, ctx)
            raise typer.Exit(1) from error


_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})


def _from_system(error: OSError, command: str | None) -> HansaError | None:
    """What the operating system refused, in words; ``None`` when it names neither file nor disk."""
    named = error.filename is not None
    subject = f"file {str(error.filename)[:120]}" if named else f"hansa {command}"
    if error.errno in _DISK:
        fact = f"the disk refused ({error.strerror})"
        return Unavailable(subject, fact, "make room, or choose another disk, and try again")
    if named:
        return BadRequest(subject, f"cannot be used ({error.strerror})", "check the path")
    return None


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
    account,
    algorithm,
    source,
    token,
    client,
    provider,
    resident,
    history,
    archive,
    log,
    policy,
    privacy,
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
