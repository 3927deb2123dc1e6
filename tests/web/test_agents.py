"""How a browser is called on the page of an account."""

import pytest

from hansa.web.shell.agents import browser

_MOZILLA = "Mozilla/5.0 "


@pytest.mark.parametrize(
    ("agent", "called"),
    [
        (
            _MOZILLA + "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox · Linux",
        ),
        (_MOZILLA + "(Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge · Windows"),
        (_MOZILLA + "(Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome · Android"),
        (_MOZILLA + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari · iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_browser_by_the_name_that_people_know(agent: str, called: str) -> None:
    assert browser(agent) == called
