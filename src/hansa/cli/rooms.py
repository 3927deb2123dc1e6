"""What does the tasks of commands, by room; each is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given, Progress

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["ROOMS"]

Room = Callable[["Node", str, Given, Progress], dict[str, Any]]


def _history(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.history_work import do_history

    return do_history(node, task, given, progress)


def _log(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.log_work import do_log

    return do_log(node, task, given)


def _algorithms(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.algorithm_work import do_algorithm

    return do_algorithm(node, task, given)


def _privacy(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.privacy_work import do_privacy

    return do_privacy(node, task, given)


def _sources(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.source_work import do_source

    return do_source(node, task, given)


def _policies(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.policy_work import do_policy

    return do_policy(node, task, given)


def _residents(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.resident_work import do_resident

    return do_resident(node, task, given)


def _accounts(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.account_work import do_account

    return do_account(node, task, given)


def _tokens(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.account_work import do_token

    return do_token(node, task, given)


def _clients(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.client_work import do_client

    return do_client(node, task, given)


def _providers(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    from hansa.cli.client_work import do_provider

    return do_provider(node, task, given)


ROOMS: Mapping[str, Room] = {
    "accounts": _accounts,
    "tokens": _tokens,
    "clients": _clients,
    "providers": _providers,
    "history": _history,
    "log": _log,
    "algorithms": _algorithms,
    "policies": _policies,
    "privacy": _privacy,
    "residents": _residents,
    "sources": _sources,
}
