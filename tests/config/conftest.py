"""Build files to be wrong in one place."""

import pytest
import yaml

GOOD = {
    "version": 1,
    "name": "small",
    "store": "store",
    "sources": [{"name": "web", "files": "pages.jsonl"}],
    "filter": {"signals": ["language", "gopher_quality", "gopher_repetition"], "rules": ["gopher"]},
    "mixture": {"budget_tokens": 1000},
}


@pytest.fixture
def write(tmp_path):
    """Writes a good build file with some keys changed (None takes one out) and returns its path."""
    (tmp_path / "pages.jsonl").write_text('{"text": "hello"}\n')

    def write(**changes):
        path = tmp_path / "build.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in {**GOOD, **changes}.items() if v is not None}))
        return str(path)

    return write
