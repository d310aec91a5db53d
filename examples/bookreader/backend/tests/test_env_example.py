"""Whoever sets up a server copies .env.example: it has to name all there is, and no more."""

import re
from pathlib import Path

import pytest

from bookreader import config

APP = Path(__file__).parent.parent.parent
EXAMPLE = dict(
    line.split("=", 1)
    for line in (APP / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)


def test_it_names_exactly_the_variables_of_the_compose_files() -> None:
    used: set[str] = set()
    for file in APP.glob("compose*.yml"):
        used |= set(re.findall(r"(?<!\$)\$\{(\w+)", file.read_text()))
    assert used == set(EXAMPLE)


def test_its_placeholders_are_refused() -> None:
    with pytest.raises(config.ConfigError) as error:
        config.load(EXAMPLE)
    assert str(error.value).count("placeholder") == 4
