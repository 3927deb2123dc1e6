"""Run the NGSI-LD conformance suite against a node of this working tree.

In order: read where the suite's @contexts are meant to live, start ``hansa serve --dev`` with them
preloaded, let Robot Framework run the groups, stop the node, count, compare with what is known
(``known.toml``), and write ``summary.json`` and, if asked, the page of the documentation.

The exit status is 0 when every failure is a known one, 1 when there is a new one, 2 when nothing could
be run. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from page import page, put_together
from summary import Known, Run, read_results

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TESTS = Path("TP/NGSI-LD")
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
COMPOUND = "ngsi-ld-test-suite-compound.jsonld"
FORMER = (
    "https://easy-global-market.github.io/ngsild-api-data-models/ngsildTestSuite/"
    "ngsildTestSuiteV1.8-compound.jsonld"
)
"""Where the suite's own @context used to live; some of its entities still name that address."""

ELSEWHERE = (
    "https://fiware.github.io/NGSI-LD_TestSuite/ldContext/testContext.jsonld",
    "https://fiware.github.io/data-models/context.jsonld",
    "http://smartdatamodels.org/context.jsonld",
)
"""@contexts that the suite names but does not hold; no test looks into them."""

PORT = 9090
"""Where some tests take for granted that the node is."""

HISTORY_LIMIT = 30
"""Attribute instances in one answer about history: the suite takes for granted that 40 are too many (and
that 20 are not), which the specification leaves to the implementation (6.3.10)."""

_START = 30.0  # seconds in which the node must answer


def main() -> int:
    """The command."""
    options = _options()
    suite: Path = options.suite.resolve()
    if not (suite / TESTS).is_dir():
        print(
            f"{suite}: this is no checkout of the suite: it has no folder {TESTS}", file=sys.stderr
        )
        return 2
    known = Known.load(HERE / "known.toml", _commit(suite))
    out = Path(options.out or tempfile.mkdtemp(prefix="conformance-")).resolve()
    out.mkdir(parents=True, exist_ok=True)
    port = options.port or _free_port(PORT) or _free_port()
    hansa = _commit(ROOT)
    with _node(port, _contexts(suite)):
        _robot(options.robot, suite, out, port, options.group)
    run = Run(read_results(out / "output.xml", suite / TESTS), known, _commit(suite), hansa)
    (out / "summary.json").write_text(run.as_json())
    if options.page:
        runs = [
            *(json.loads(file.read_text()) for file in options.beside),
            json.loads(run.as_json()),
        ]
        options.page.write_text(page(put_together(runs)))
    print(run.as_text())
    print(f"\nDetails: {out}/output.xml, {out}/summary.json")
    return 1 if run.surprises else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the NGSI-LD conformance suite.")
    parser.add_argument("suite", type=Path, help="a checkout of the suite")
    parser.add_argument(
        "--group", action="append", help="a folder below TP/NGSI-LD; again for more"
    )
    parser.add_argument(
        "--port", type=int, default=0, help=f"port of the node; {PORT} if it is free"
    )
    parser.add_argument("--out", help="folder for the results; a temporary one")
    parser.add_argument("--robot", default="robot", help="the command robot")
    parser.add_argument("--page", type=Path, help="write the results as this page, too")
    parser.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        metavar="SUMMARY",
        help="the summary.json of an earlier run, for the same page; again for more",
    )
    return parser.parse_args()


def _contexts(suite: Path) -> dict[str, Path]:
    """Address to file of every @context that the suite's entities name."""
    folder = suite / "resources/jsonld-contexts"
    settings = (suite / "resources/variables.py").read_text()
    found = re.search(r"ngsild_test_suite_context\s*=\s*'([^']+)/[^/']+'", settings)
    if found is None:
        raise SystemExit("resources/variables.py no longer says where the suite's @context lives")
    contexts = {f"{found[1]}/{file.name}": file for file in sorted(folder.glob("*.jsonld"))}
    contexts[FORMER] = folder / COMPOUND
    return {**contexts, **dict.fromkeys(ELSEWHERE, HERE / "stand-in.jsonld")}


@contextmanager
def _node(port: int, contexts: dict[str, Path]) -> Iterator[None]:
    """A node without accounts, in a folder of its own that is gone at the end."""
    command = [sys.executable, "-m", "hansa.cli", "serve", "--dev", "--port", str(port)]
    environment = os.environ | {"HANSA_HISTORY_LIMIT": str(HISTORY_LIMIT)}
    for url, file in contexts.items():
        command += ["--context", f"{url}={file}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}/ngsi-ld/v1/types")
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the node did not start; what it says stands above")


def _robot(robot: str, suite: Path, out: Path, port: int, groups: list[str] | None) -> None:
    """Run the tests. Robot's exit status is the number of failures, which are counted later."""
    variables = {
        "url": f"http://127.0.0.1:{port}/ngsi-ld/v1",
        "temporal_api_url": f"http://127.0.0.1:{port}/ngsi-ld/v1",
        "core_context": CORE,
        "notification_server_host": "127.0.0.1",
        "notification_server_port": "8085",
        "context_source_host": "127.0.0.1",
        "context_source_port": "8086",
        "context_server_host": "127.0.0.1",
        "context_server_port": "8087",
        "mqtt_broker_host": "127.0.0.1",
        "mqtt_broker_non_default_port": "18883",
    }
    command = [robot, "--loglevel", "WARN", "--log", "NONE", "--report", "NONE"]
    command += ["--outputdir", str(out)]
    for name, value in variables.items():
        command += ["--variable", f"{name}:{value}"]
    command += [str(TESTS / group) for group in groups or [""]]
    said = out / "robot.txt"
    print(f"Running the tests; all of them take about five minutes. What they say: {said}")
    try:
        with said.open("wb") as file:
            subprocess.run(
                command,
                cwd=suite,
                check=False,
                stdout=file,
                stderr=file,
                env=_with_broker(suite, out),
            )
    except FileNotFoundError:
        raise SystemExit(
            f"there is no command {robot!r}; install the suite's requirements, see README.md"
        ) from None
    if not (out / "output.xml").is_file():
        raise SystemExit(f"Robot Framework ran no tests; what it says stands in {said}")


def _with_broker(suite: Path, out: Path) -> dict[str, str]:
    """The environment in which `docker` starts this machine's mosquitto, for the tests of MQTT.

    Where there is none, those tests fail, and this says so.
    """
    found = shutil.which(
        "mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    )
    if found is None:
        print(
            "There is no mosquitto here, so the tests of MQTT will fail: apt-get install mosquitto"
        )
        return dict(os.environ)
    state = out / "mosquitto"
    state.mkdir(exist_ok=True)
    return os.environ | {
        "PATH": f"{HERE / 'standin'}:{os.environ.get('PATH', '')}",
        "MOSQUITTO": found,
        "MOSQUITTO_FILES": str(suite / "resources/mqttUtils/mosquitto"),
        "STANDIN_STATE": str(state),
    }


def _commit(folder: Path) -> str:
    found = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def _free_port(wanted: int = 0) -> int:
    """`wanted` if it is free and 0 if it is not; any free port when none is wanted."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
