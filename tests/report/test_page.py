"""The front end as files: nothing in it parses markup or fetches from elsewhere, and a report cannot be broken out of."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.cli.main import main
from proctor.report.library import Library
from proctor.report.page import STATIC_FILES, joined_modules
from proctor.report.plain import plain, to_json, to_script_json
from proctor.report.static_report import write_report
from proctor.report.store import Key
from proctor.report.verdicts import mark
from tests.report.tables import row, table

_OURS = {name: file.content.decode() for name, file in STATIC_FILES.items() if name.startswith("js/")}
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u2028\u202e\x1b[31m\0 ]]>&lt;"


@pytest.mark.parametrize("name", _OURS)
def test_no_script_of_ours_parses_markup_or_code(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|srcdoc|setHTML|\.cssText|javascript:"
    )
    assert not re.search(forbidden, _OURS[name])


@pytest.mark.parametrize("name", STATIC_FILES)
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    content = STATIC_FILES[name].content.decode()
    assert not re.findall(r"(?:src|href|url|import|fetch)\s*[=(]?\s*[\"'(]\s*(?:https?:)?//", content)
    assert "@import" not in content


def test_libraries_carry_their_licence() -> None:
    vendor = Path(__file__).parents[2] / "src" / "proctor" / "report" / "web" / "vendor"
    assert "MIT" in (vendor / "uplot" / "LICENSE").read_text()
    assert all((folder / "LICENSE").exists() for folder in vendor.iterdir())


def test_modules_are_small() -> None:
    assert all(len(content.splitlines()) < 400 for content in _OURS.values())


def test_top_level_names_of_the_modules_are_distinct() -> None:
    names = Counter(
        name for content in _OURS.values() for name in re.findall(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", content, re.MULTILINE)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_joined_script_has_every_module_once_and_no_import_left() -> None:
    joined = joined_modules()
    assert not re.search(r"^\s*(?:import|export)\b", joined, re.MULTILINE)
    for content in _OURS.values():
        assert joined.count(content.splitlines()[0]) == 1
    assert "</script" not in joined.lower() and "<!--" not in joined


def test_every_import_names_what_the_module_exports() -> None:
    for content in _OURS.values():
        for names, module in re.findall(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', content, re.MULTILINE):
            for name in names.split(","):
                assert re.search(rf"^export (?:async )?(?:function|class|const) {name.strip()}\b", _OURS[f"js/{module}"], re.MULTILINE), (name, module)


@given(st.text())
def test_json_in_a_script_element_is_the_same_value_and_no_markup(text: str) -> None:
    inside = to_script_json({"text": text})
    assert not set("<>&\u2028\u2029") & set(inside)
    assert json.loads(inside) == json.loads(to_json({"text": text}))
    inside.encode()


def test_plain_values() -> None:
    assert plain({"a": (1, float("nan"), float("inf"), None, True, "x\ud800")}) == {"a": [1, None, None, None, True, "x?"]}
    with pytest.raises((TypeError, AssertionError)):
        plain(Path("/"))


class _Scripts(HTMLParser):
    """The script and style elements of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.others: Counter[str] = Counter()
        self.policy = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.others[tag] += 1
        if tag in ("script", "style"):
            self.found.append((tag, values, ""))
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.found and self.lasttag in ("script", "style") and data.strip():
            tag, values, content = self.found[-1]
            self.found[-1] = (tag, values, content + data)


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Library]:
    rows = [
        row(index=index, text=text, prompt_text=HOSTILE, task_id=HOSTILE, extracted=HOSTILE, reason=HOSTILE) for index, text in enumerate([HOSTILE, "fine"])
    ]
    pq.write_table(table(rows), tmp_path / "hostile.parquet")
    library = Library([tmp_path / "hostile.parquet"])
    yield library
    library.close()


def test_a_report_cannot_be_broken_out_of(hostile: Library) -> None:
    mark(hostile.runs[0], hostile.store, Key(0, 0, 0), "wrongly_rewarded", HOSTILE)
    page, _ = write_report(hostile, num_rollouts=10)
    scripts = _Scripts(page)
    assert scripts.others["script"] == 3 and scripts.others["img"] == 0 and scripts.others["style"] == 2
    data = next(content for tag, values, content in scripts.found if values.get("type") == "application/json")
    report = json.loads(data)
    assert report["samples"][0][0]["view"]["text"]["text"] == HOSTILE and report["verdicts"][0][0]["note"] == HOSTILE


def test_a_report_allows_exactly_its_own_scripts(hostile: Library) -> None:
    page, _ = write_report(hostile, num_rollouts=10)
    for tag, values, content in _Scripts(page).found:
        if values.get("type") != "application/json":
            whole = re.search(rf"<{tag}[^>]*>({re.escape(content[:40])}.*?)</{tag}>", page, re.DOTALL)
            assert whole is not None
            digest = b64encode(sha256(whole[1].encode()).digest()).decode()
            assert f"'sha256-{digest}'" in _Scripts(page).policy
    assert "default-src 'none'" in _Scripts(page).policy and "unsafe" not in _Scripts(page).policy


def test_a_report_says_how_much_it_holds(library: Library) -> None:
    _, runs = write_report(library, num_rollouts=40)
    assert runs[0].sampled == "a sample of 40 of 384 rollouts is in this report"
    _, runs = write_report(library, num_rollouts=0)
    assert runs[0].sampled.startswith("a sample of 0 of 384")


def test_the_sample_has_marked_and_flagged_rollouts_and_whole_groups(library: Library) -> None:
    run = library.runs[0]
    mark(run, library.store, Key(13, 2, 1), "wrongly_refused", "")
    page, _ = write_report(library, num_rollouts=120)
    data = json.loads(next(content for _, values, content in _Scripts(page).found if values.get("type") == "application/json"))
    keys = [tuple(sample["row"]["key"].values()) for sample in data["samples"][0]]
    assert (13, 2, 1) in keys and len(keys) == len(set(keys)) == 120
    flags = Counter(flag for sample in data["samples"][0] for flag in sample["flags"])
    assert flags["short_and_rewarded"] >= 1 and flags["repeated_ngrams"] >= 1
    groups = Counter(key[:2] for key in keys)
    assert sum(count == 4 for count in groups.values()) >= 15
    assert data["comparison"]["counts"]


def test_the_command(run_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(run_path), "-o", str(out), "--rollouts", "16"]) == 0
    assert "a sample of 16 of 384" in capsys.readouterr().out
    assert out.read_text().startswith("<!doctype html>")
    assert main(["report", str(run_path), "-o", str(tmp_path / "no" / "x.html")]) == 2
    assert main(["report", str(run_path), "-o", str(out), "--rollouts", "-1"]) == 2
