"""Settings of the stack: what is wrong is said with its variable."""

import pytest

from local.settings import LocalSettings
from shared.runtime.config.settings import InvalidSettings, read_settings


def test_the_defaults_are_one_process_of_each_on_port_8000() -> None:
    settings = read_settings(LocalSettings, {})
    assert (settings.url, settings.ai_workers, settings.collection_workers) == ("http://127.0.0.1:8000", 1, 1)
    assert settings.folder.name == ".etude"
    assert settings.folder.is_absolute()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ETUDE_PORT", "0"), ("ETUDE_PORT", "65536"), ("ETUDE_PORT", "http"), ("ETUDE_AI_WORKERS", "-1")],
)
def test_a_bad_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=variable):
        read_settings(LocalSettings, {variable: value})
