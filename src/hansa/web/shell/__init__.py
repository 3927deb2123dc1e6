"""What every page shares: its frame, its language, its files and its safety headers."""

from hansa.web.shell.site import PageNode, Site

__all__ = ["PageNode", "Site"]
