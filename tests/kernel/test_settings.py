"""Settings: the order of sources, the types, and what is said when something is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.settings import OPTIONS, Settings, SettingsError
from hansa.kernel.settings_file import load, template, toml


def write(folder: Path, text: str) -> Path:
    (folder / "hansa.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_are_the_declared_ones() -> None:
    settings = load()
    assert {name: getattr(settings, name) for name in OPTIONS} == {
        name: option.default for name, option in OPTIONS.items()
    }


def test_the_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path, 'port = 1\nhost = "::1"\ncity = "Lübeck"\n')
    settings = load(folder, {"HANSA_PORT": "2", "HANSA_HOST": "localhost"}, {"port": 3})
    assert (settings.port, settings.host, settings.city) == (3, "localhost", "Lübeck")
    assert settings.origins == {
        "port": "flag --port",
        "host": "environment, HANSA_HOST",
        "city": "hansa.toml, line 3",
    }


def test_flags_that_were_not_given_change_nothing() -> None:
    assert load(flags={"port": None}).port == OPTIONS["port"].default


def test_the_environment_is_read_by_type() -> None:
    settings = load(
        environment={
            "HANSA_DEV": "Yes",
            "HANSA_HOT": "speed, highway",
            "HANSA_CONTEXTS": "https://a/b=c.jsonld https://d=e.jsonld",
            "PATH": "/bin",
            "HANSA_TOKEN": "a client's",
        }
    )
    assert settings.dev is True
    assert settings.hot == ("speed", "highway")
    assert dict(settings.contexts) == {"https://a/b": "c.jsonld", "https://d": "e.jsonld"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("prot = 1", ["'prot'", "hansa.toml, line 1", "did you mean 'port'?"]),
        ('city = "x"\nport = "80"', ["line 2", "'80' is not a whole number", "port = 8080"]),
        ("port = true", ["True is not a whole number"]),
        ("port = 70000", ["70000 is out of bounds", "0 to 65535"]),
        ("dev = 1", ["1 is not true or false"]),
        ('hot = "speed"', ["'speed' is not a list of texts"]),
        ("[contexts]\na = 1", ["line 1", "is not a table of texts"]),
        ("port = = 1", ["hansa.toml", "is not TOML", "line 1"]),
        ('timezone = "Europe/Atlantis"', ["'Europe/Atlantis' is not a time zone", "line 1"]),
        ('timezone = "../../etc/passwd"', ["is not a time zone"]),
        ('base_url = "https://a/"', ["is not a base address"]),
        ('context = "town"', ["is not a @context"]),
        ('clock = "yesterday"', ["is not a date and time"]),
        ('operator_token_hash = "secret"', ["is not a SHA-256"]),
        ("page_limit = 50\npage_limit_max = 10", ["page_limit", "larger than page_limit_max"]),
        ('dev = true\nhost = "0.0.0.0"', ["may not listen on 0.0.0.0"]),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(
    text: str, parts: list[str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, text))
    for part in parts:
        assert part in caught.value.sentence


@pytest.mark.parametrize(
    "environment",
    [{"HANSA_PORT": "eighty"}, {"HANSA_CONTEXTS": "no-equals-sign"}, {"HANSA_DEV": "perhaps"}],
)
def test_a_wrong_environment_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="environment, HANSA_"):
        load(environment=environment)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hansa.toml").write_bytes(b"city = '\xff'")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)


def test_the_token_hash_is_the_only_secret() -> None:
    assert [o.name for o in OPTIONS.values() if o.secret] == ["operator_token_hash"]


def test_every_option_is_declared_in_full() -> None:
    for option in OPTIONS.values():
        assert option.help.endswith(".")
        assert "\n" not in option.help
        value = tomllib.loads(f"{option.name} = {option.example}")[option.name]
        assert load(flags={option.name: value}), option.name


def test_the_clock_is_read_in_the_zone_of_the_city() -> None:
    settings = load(flags={"clock": "2016-04-13T08:30", "timezone": "America/Santiago"})
    assert settings.moment is not None
    assert settings.moment.isoformat() == "2016-04-13T08:30:00-03:00"
    assert load().moment is None


def test_the_template_reads_back(tmp_path: Path) -> None:
    values = {"city": 'La "Serena"', "hot": ["a", "b"], "contexts": {"https://a": "b"}, "port": 9}
    text = template(values)
    assert tomllib.loads(text) == values
    settings = load(write(tmp_path, text))
    assert isinstance(settings, Settings)
    assert settings.city == 'La "Serena"'
    for name in OPTIONS:
        assert f"{name} = " in text


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8")) | st.integers(-(2**62), 2**62) | st.booleans(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
        ),
    )
)
def test_toml_reads_back(value: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}") == {"x": value}
