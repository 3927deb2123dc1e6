"""Headers that keep a page to itself: nothing inline, nothing from elsewhere, nothing sniffed."""

from __future__ import annotations

from typing import Final

__all__ = ["PAGE_HEADERS"]

_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    # MapLibre starts its worker from a blob.
    "worker-src": "blob:",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie, Accept-Encoding",
}
"""Sent with every page."""
