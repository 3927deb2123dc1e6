"""``hansa history`` on a folder that a node serves: the node does it, and goes on answering."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from .conftest import Run, Serve


def _asked(address: str) -> int:
    url = f"{address}/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:A:1"
    query = "?format=aggregatedValues&aggrMethods=totalCount&aggrPeriodDuration=PT0S"
    window = "&timerel=between&timeAt=2020-01-01T00:00:00Z&endTimeAt=2020-01-02T00:00:00Z"
    answer = httpx.get(url + query + window)
    (name,) = [each for each in answer.json() if each.endswith("pm")]
    return int(answer.json()[name]["totalCount"][0][0])


def test_all_four_commands(
    node: tuple[Path, str], serve: Serve, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = node
    address = serve(folder).address
    rows = [f"urn:ngsi-ld:A:1,T,pm,2020-01-01T00:{n:02}:00Z,{n}" for n in range(60)]
    (tmp_path / "air.csv").write_text("\n".join(["entity,type,attribute,time,value", *rows]))
    monkeypatch.chdir(tmp_path)

    def told(*words: str) -> dict[str, object]:
        result = run("history", *words, "--folder", folder, "--json")
        assert result.exit_code == 0, result.stderr
        found: dict[str, object] = orjson.loads(result.stdout)
        return found

    assert told("import", "air.csv", "--dry-run")["added"] == 60
    assert told("import", "air.csv")["added"] == 60
    assert _asked(address) == 60
    assert told("compact", "--days", "0")["moved"] == 0
    assert told("rules", "--set", "air", "--type", "T", "--keep", "P1Y", "--sums", "PT1H")["rules"]
    effect = {"rule": "air", "summed": 60, "gone": 0, "sums_gone": 0}
    assert told("retain")["effects"] == [effect]
    assert _asked(address) == 60


def test_what_is_wrong_there_is_told_here(
    node: tuple[Path, str], serve: Serve, run: Run, tmp_path: Path
) -> None:
    folder, _ = node
    serve(folder)
    missing = run("history", "import", tmp_path / "none.csv", "--folder", folder)
    assert (missing.exit_code, "does not exist" in missing.stderr) == (1, True)
    refused = run("history", "rules", "--remove", "x", "--folder", folder)
    assert (refused.exit_code, "retention rule 'x'" in refused.stderr) == (1, True)
