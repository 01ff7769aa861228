"""The report in a real browser that cannot reach any network."""

import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from simulated_run import simulate

import qfl.report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class Rendered(HTMLParser):
    """What the browser made of the page."""

    def __init__(self, text):
        super().__init__()
        self.body, self.marks, self.rows, self.pressed = {}, {}, {}, {}
        self.addresses, self._figure, self._table = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        classes = (attributes.get("class") or "").split()
        if tag == "body" and "data-errors" in attributes:
            self.body = attributes
        self._figure = attributes.get("data-figure", self._figure)
        self._table = attributes.get("data-table", self._table)
        if tag == "svg" and "marks" in classes:
            self.marks[self._figure] = self.marks.get(self._figure, 0) + 1
        if tag == "tr" and "data-method" in attributes and "hidden" not in classes:
            self.rows.setdefault(self._table, []).append(attributes)
        if "chip" in classes:
            self.pressed[attributes["data-method"]] = attributes["aria-pressed"]
        if tag in ("script", "link", "img", "iframe"):
            self.addresses += [attributes[k] for k in ("src", "href") if attributes.get(k)]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return qfl.report.write(simulate(tmp_path_factory.mktemp("browser") / "selection"))


@pytest.fixture
def opened(report, tmp_path):
    """Return a function that opens the report at an address fragment."""

    def open_at(fragment=""):
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--virtual-time-budget=15000",
                f"--user-data-dir={tmp_path}",
                "--dump-dom",
                f"{report.html.as_uri()}{fragment}",
            ],
            capture_output=True,
            timeout=90,
            check=True,
        )
        return Rendered(done.stdout.decode())

    return open_at


def test_every_figure_is_drawn_once_and_nothing_fails(report, opened):
    page = opened()
    assert page.body["data-errors"] == "0"
    assert page.body["data-figures"] == page.body["data-drawn"] == str(len(report.figures))
    assert set(page.marks.values()) == {1}
    assert {f"{key}.svg" for key in page.marks} == {path.name for path in report.figures}
    assert len(page.rows["cells"]) == 42
    assert not [address for address in page.addresses if "http" in address]
    assert report.html.stat().st_size < 2_000_000


def test_a_view_is_restored_from_its_address(opened):
    page = opened("#x=virtual_seconds&show=median&seed=2&hide=greedy%7Cexact&log=1")
    assert page.body["data-errors"] == "0"
    assert set(page.marks.values()) == {1}
    off = {method for method, pressed in page.pressed.items() if pressed == "false"}
    assert off == {"greedy", "exact"}
    assert {row["data-method"] for row in page.rows["comparison"]}.isdisjoint(off)
    assert {row["data-seed"] for row in page.rows["cells"]} == {"2"}


def test_an_address_from_elsewhere_does_no_harm(opened):
    page = opened("#x=nonsense&hide=nobody&seed=99&whatever")
    assert page.body["data-errors"] == "0"
