"""The report in a real browser. The browser gets no network, and every test has its control: a page that does run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.report.page import render

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
SCRIPT = "<script>document.title='pwned'</script>"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine (apt-get install chromium)")


def browse(page: str, folder: Path, *flags: str) -> tuple[str, list[str]]:
    """Loads a page from a file; returns what is on stdout (the document with --dump-dom) and the console's lines."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-sync", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
         f"--user-data-dir={folder / 'profile'}", *flags, path.as_uri()],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def hostile(world) -> str:
    """A report of pages whose addresses and texts try to run."""
    world.url = lambda i: f"https://example.org/{SCRIPT}?{i}"
    world.text = lambda i: f'"><img src=x onerror="document.title=`pwned`">{SCRIPT} {i}'
    return render(world.walk().view())


def test_nothing_that_a_page_brought_runs_and_the_console_is_silent(hostile, tmp_path):
    dom, console = browse(hostile, tmp_path, "--dump-dom")
    assert "<title>hand · corpus report</title>" in dom
    assert not re.search("<(script|img|iframe)", dom)
    assert "https://example.org/&lt;script&gt;" in dom
    assert console == []


def test_even_markup_that_got_through_would_not_run(hostile, tmp_path):
    """The second lock: were escaping ever to fail, the policy still refuses."""
    dom, console = browse(hostile.replace("<main>", f"<main>{SCRIPT}<p style='color:red'>x</p>"), tmp_path, "--dump-dom")
    assert "<script>" in dom and "<title>hand · corpus report</title>" in dom
    assert any("Content Security Policy" in line for line in console)


def test_the_control_without_escaping_and_policy_does_run(hostile, tmp_path):
    bare = re.sub("<meta http-equiv=[^>]*>", "", hostile).replace("<main>", f"<main>{SCRIPT}")
    assert "<title>pwned</title>" in browse(bare, tmp_path, "--dump-dom")[0]


@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_is_no_wider_than_the_screen(finished, tmp_path, width):
    """Asked of the browser by a script that this test adds, with the policy taken out."""
    page = re.sub("<meta http-equiv=[^>]*>", "", render(finished.view()))
    asked = "<script>document.title = document.documentElement.scrollWidth + ' in ' + window.innerWidth</script></body>"
    dom, _ = browse(page.replace("</body>", asked), tmp_path, "--dump-dom", f"--window-size={width},900")
    inside, outside = map(int, re.search("<title>([0-9]+) in ([0-9]+)</title>", dom).groups())
    assert inside <= outside == width


def test_a_screenshot_shows_the_style_sheet_at_work(finished, tmp_path):
    from zlib import decompress

    shot = tmp_path / "shot.png"
    browse(render(finished.view()), tmp_path, f"--screenshot={shot}", "--window-size=1280,1400", "--hide-scrollbars")
    data = shot.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(data[16:20], "big") == 1280
    chunks, at = b"", 8
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        chunks += data[at + 8:at + 8 + size] if data[at + 4:at + 8] == b"IDAT" else b""
        at += 12 + size
    assert len(set(decompress(chunks))) > 100       # many colours: text, bars and dots, not a blank or an unstyled page
