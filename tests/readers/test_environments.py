from __future__ import annotations

import sys

import pytest
from environments import python_of


def test_a_reader_without_requirements_runs_where_we_run():
    assert python_of("megatron") == sys.executable


@pytest.mark.slow
def test_where_no_registry_answers_the_reader_is_skipped_and_left_to_be_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1",
                        "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(pytest.skip.Exception, match="no registry answers"):
        python_of("mds")
    assert not list(tmp_path.glob("corpus-readers/*/complete"))
