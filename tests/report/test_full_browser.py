"""The viewer in a real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from proctor.cli.main import main
from tests.report.tables import row, table
from tests.report.test_page import HOSTILE

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt install chromium)"),
]
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
_PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@dataclass(slots=True)
class Opened:
    """A page with everything that it complained of, and every address that it asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, address: str) -> None:
        """Open an address, or another view of the page, and wait until it is drawn."""
        if address.startswith("#"):
            self.page.locator("main").evaluate("(main) => { delete main.dataset.ready; }")
            self.page.locator("main").evaluate("(_, hash) => { location.hash = hash; }", address)
        else:
            self.page.goto("about:blank")  # an address that differs in its hash alone would not load the page again
            self.page.goto(address)
        self.page.wait_for_selector("main[data-ready]", timeout=_PATIENCE_MS)


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_PATIENCE_MS)
    result = Opened(context.new_page())
    result.page.on("console", lambda message: result.complaints.append(message.text) if message.type in ("error", "warning") else None)
    result.page.on("pageerror", lambda error: result.complaints.append(str(error)))
    result.page.on("dialog", lambda dialog: result.complaints.append(f"a dialog: {dialog.message}"))
    result.page.on("request", lambda request: result.asked.append(request.url))
    yield result
    context.close()


@pytest.fixture
def serve() -> Iterator[Any]:
    """Starts `proctor view` as a user would; returns its address."""
    processes: list[subprocess.Popen[str]] = []

    def start(*paths: Path) -> str:
        process = subprocess.Popen([sys.executable, "-m", "proctor.cli.main", "view", *map(str, paths)], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return process.stdout.readline().rpartition(" ")[2].strip()

    yield start
    for process in processes:
        process.terminate()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def test_a_real_run_from_the_first_look_to_a_verdict(opened: Opened, serve: Any, tmp_path: Path) -> None:
    run = tmp_path / "quickstart"
    assert main(["train", "quickstart", "--scale", "tiny", "--out", str(run), "--set", "num_steps=6", "--set", "evaluation.every=2"]) == 0
    address = serve(run)
    opened.go(address)
    page = opened.page
    assert "token" not in page.url
    assert page.locator(".chart:not(.empty)").count() >= 10 and page.locator(".chart canvas").count() >= 10
    assert page.locator("#chart-reward .healthy").inner_text().startswith("Healthy:")

    opened.go("#rollouts?step=3")
    assert page.locator("tr.row").count() == 50 and "of 128 in step 3" in page.locator(".summary").inner_text()
    page.fill("#search", "reward < 0.5 and length > 3")
    page.keyboard.press("Enter")
    page.wait_for_selector(".summary:has-text('of ')")
    page.fill("#search", "rewrd > 1")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert:has-text('fields are reward')")

    opened.complaints.clear()  # the browser itself reports the answer 400 to the search above
    opened.go("#rollouts?step=3")
    page.locator("tr.row a").first.click()
    page.wait_for_selector(".rollout .tokens .t")
    assert page.locator(".tokens .t").count() >= 1
    page.select_option("#colour-by", "mask")
    assert "p3" in (page.locator(".tokens .t").first.get_attribute("class") or "")
    page.focus(".tokens")
    page.keyboard.press("ArrowRight")
    assert "token 1 of" in page.locator(".token-status").inner_text()
    permalink = page.url

    page.fill("#note", "it guessed </script>")
    page.get_by_role("button", name="wrongly rewarded").click()
    page.wait_for_selector(".verdict:has-text('marked wrongly rewarded')")
    assert json.loads((run / "verdicts" / "verdicts.jsonl").read_text())["note"] == "it guessed </script>"
    opened.go("#verdicts")
    assert page.locator("tr.row").count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert json.loads(Path(download.value.path()).read_text())["expected"] == "INCORRECT"

    opened.go(permalink)
    assert page.locator("h1:has-text('Rollout 3/')").count() == 1
    assert opened.complaints == []
    origin = address.partition("/?")[0]
    assert all(url.startswith((origin, "data:", f"blob:{origin}")) for url in opened.asked)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_every_view_fits_and_complains_of_nothing(opened: Opened, serve: Any, run_path: Path, size: tuple[int, int], theme: str) -> None:
    opened.page.set_viewport_size({"width": size[0], "height": size[1]})
    opened.page.emulate_media(color_scheme=theme)
    opened.go(serve(run_path, run_path / "rollouts" / "step-000003.parquet"))
    for view in ("#overview", "#rollouts?step=20", "#group?step=20&group=1", "#rollout?step=20&group=1&index=2", "#suspicions", "#verdicts", "#compare"):
        opened.go(view)
        assert opened.page.locator("html").evaluate("(html) => html.scrollWidth") <= size[0], view
        assert opened.page.locator(".alert").is_hidden(), view
    assert opened.complaints == []


def test_the_keyboard_reaches_everything(opened: Opened, serve: Any, run_path: Path) -> None:
    opened.go(serve(run_path))
    page = opened.page
    page.keyboard.press("2")
    page.wait_for_selector("tr.row")
    page.keyboard.press("[")
    page.wait_for_selector(".summary:has-text('in step 22')")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tr.row:focus-within a").first.inner_text() == "22/0/1"
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Rollout 22/0/1')")
    page.keyboard.press("j")
    page.wait_for_selector("h1:has-text('Rollout 22/0/2')")
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.wait_for_selector("#search")
    page.keyboard.press("/")
    assert page.locator("#search:focus").count() == 1
    assert opened.complaints == []


def test_a_live_run_is_followed(opened: Opened, serve: Any, run_path: Path) -> None:
    files = sorted((run_path / "rollouts").iterdir())[12:]
    kept = [(path, path.read_bytes()) for path in files]
    for path in files:
        path.unlink()
    lines = (run_path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run_path / "metrics.jsonl").write_text("".join(lines[:12]))
    manifest = json.loads((run_path / "manifest.json").read_text())
    (run_path / "manifest.json").write_text(json.dumps({**manifest, "status": "running"}))
    opened.go(serve(run_path))
    page = opened.page
    page.wait_for_selector(".progress:has-text('step 12 of 24')")
    with (run_path / "metrics.jsonl").open("a") as metrics:
        metrics.write("".join(lines[12:15]) + lines[15][:20])
    for path, content in kept[:3]:
        path.write_bytes(content)
    page.wait_for_selector(".progress:has-text('step 15 of 24')")
    opened.go("#rollouts")
    page.wait_for_selector(".summary:has-text('in step 14, following the run')")
    kept[3][0].write_bytes(kept[3][1])
    page.wait_for_selector(".summary:has-text('in step 15, following the run')")
    assert opened.complaints == []


def test_hostile_text_is_text(opened: Opened, serve: Any, tmp_path: Path) -> None:
    rows = [
        row(index=0, text=HOSTILE, prompt_text=HOSTILE, task_id=HOSTILE, source=HOSTILE, extracted=HOSTILE, reason=HOSTILE),
        row(index=1, text="x" * 10_000_000),
        row(index=2, text="before \u202eafter\u2066 \u0301 \U000e0001 \ufffe", extracted="4"),
    ]
    pq.write_table(table(rows), tmp_path / "<img src=x onerror=alert(3)>.parquet")
    opened.go(serve(tmp_path / "<img src=x onerror=alert(3)>.parquet"))
    page = opened.page
    opened.go("#rollouts")
    assert HOSTILE[:32] in page.locator("tr.row .snippet").first.inner_text()
    for index in range(3):
        opened.go(f"#rollout?step=0&group=0&index={index}")
    assert page.locator(".hidden-character:has-text('RLO')").count() >= 1
    opened.go("#rollout?step=0&group=0&index=1")
    assert len(page.locator("pre.text").nth(1).inner_text()) == 20_000
    page.locator(".completion .more").first.click()
    page.wait_for_selector(".completion .more:has-text('9,780,000')")
    for view in ("#suspicions", "#compare", "#group?step=0&group=0", "#overview"):
        opened.go(view)
    assert page.locator("main img, main script").count() == 0
    assert opened.complaints == []


def test_a_report_works_alone_and_asks_for_nothing(opened: Opened, run_path: Path, tmp_path: Path) -> None:
    assert main(["report", str(run_path), "-o", str(tmp_path / "report.html"), "--rollouts", "64"]) == 0
    opened.go((tmp_path / "report.html").as_uri())
    page = opened.page
    assert "a sample of 64 of 384 rollouts" in page.locator(".run-head").inner_text()
    assert page.locator(".chart canvas").count() >= 10
    opened.go("#rollouts?step=all&where=flag = unanimous_group")
    page.wait_for_selector("tr.row")
    page.locator("tr.row a").first.click()
    page.wait_for_selector(".rollout .tokens .t")
    for view in ("#suspicions", "#verdicts", "#compare"):
        opened.go(view)
        assert page.locator(".alert").is_hidden(), view
    assert opened.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in opened.asked)
