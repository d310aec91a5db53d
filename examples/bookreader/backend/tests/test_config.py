import pytest

from bookreader import config
from tests.conftest import GOOD_ENV


def test_a_complete_environment_is_accepted() -> None:
    settings = config.load(GOOD_ENV | {"CORS_ORIGINS": "https://a.example, https://b.example"})
    assert settings.version == "v1.2.3"
    assert settings.cors_origins == ["https://a.example", "https://b.example"]
    assert settings.debug is False


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "CHANGE_ME_64_characters", "SECRET_KEY is still the placeholder"),
        ("JWT_SECRET_KEY", "change_me" * 8, "JWT_SECRET_KEY is still the placeholder"),
        ("SECRET_KEY", "s" * 63, "SECRET_KEY has 63 characters, it needs at least 64"),
        ("DB_PASSWORD", "short", "DB_PASSWORD has 5 characters, it needs at least 32"),
        ("BREAK", "windows", "BREAK='windows' is none of health, errors, slow, boot"),
        ("BREAK", "boot", "this image was built to fail at start"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str, message: str) -> None:
    with pytest.raises(config.ConfigError, match=message):
        config.load(GOOD_ENV | {name: value})


def test_all_problems_are_told_at_once_and_no_secret_is() -> None:
    with pytest.raises(config.ConfigError) as error:
        config.load(GOOD_ENV | {"SECRET_KEY": "hunter2", "REDIS_PASSWORD": ""})
    assert "SECRET_KEY has" in str(error.value)
    assert "REDIS_PASSWORD is not set" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_an_entry_point_ends_with_code_1_and_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(SystemExit) as end:
        config.load_or_exit()
    assert end.value.code == 1
    assert "bookreader can't start" in capsys.readouterr().err


def test_a_password_may_contain_what_means_something_in_a_url() -> None:
    env = {"DB_PASSWORD": "p@ss/w:rd", "REDIS_PASSWORD": "a b#c"}
    assert "p%40ss%2Fw%3Ard@db:5432" in config.database_url(env)
    assert "a%20b%23c@redis:6379" in config.redis_url(env)
