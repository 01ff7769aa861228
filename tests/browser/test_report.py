"""The report in a real browser that cannot reach any network."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from deciding_run import decided
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

    def open_at(fragment="", path=report.html):
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
                f"{path.as_uri()}{fragment}",
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


CLICKS = """
<script>
(async () => {
  const wait = () => new Promise((done) => setTimeout(done, 400));
  while (!document.body.dataset.drawn) await wait();
  const seen = {};
  const chip = (method) => document.querySelector(`.chip[data-method="${method}"]`);
  const shown = () => [...document.querySelectorAll("table[data-table=comparison] tbody tr")]
    .filter((row) => !row.classList.contains("hidden")).map((row) => row.dataset.method).join(" ");
  const click = (target, detail) =>
    target.dispatchEvent(new MouseEvent("click", { bubbles: true, detail }));
  const double = (target) => {
    click(target, 1); click(target, 2);
    target.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
  };
  click(chip("greedy"), 1); await wait();
  seen.hidden = shown();
  seen.hash = location.hash;
  double(chip("qaoa")); await wait();
  seen.alone = shown();
  double(chip("qaoa")); await wait();
  seen.all = shown();
  document.querySelector("table[data-table=comparison] thead th:nth-child(2) button").click();
  seen.ascending = shown();
  document.querySelector("table[data-table=comparison] thead th:nth-child(2) button").click();
  seen.descending = shown();
  chip("qaoa").dispatchEvent(new Event("pointerenter")); await wait();
  chip("qaoa").dispatchEvent(new Event("pointerleave")); await wait();
  const select = document.querySelector("select[data-state=x]");
  select.value = "payload_bytes"; select.dispatchEvent(new Event("change")); await wait();
  seen.x = location.hash;
  document.querySelector(".reset").click(); await wait();
  seen.reset = location.hash;
  document.body.dataset.seen = JSON.stringify(seen);
})();
</script>
"""


def test_the_bar_hides_isolates_sorts_and_remembers(report, opened):
    clicked = report.html.with_name("clicked.html")
    clicked.write_text(report.html.read_text().rpartition("</body>")[0] + CLICKS)
    page = opened(path=clicked)
    assert page.body["data-errors"] == "0"
    seen = json.loads(page.body["data-seen"])
    methods = "random random_best greedy annealing exact qaoa qaoa_noisy"
    assert seen["hidden"] == methods.replace("greedy ", "")
    assert seen["hash"] == "#hide=greedy"
    assert (seen["alone"], seen["all"]) == ("qaoa", methods)
    assert seen["ascending"].split()[-1] == seen["descending"].split()[0] == "random"
    assert sorted(seen["ascending"].split()) == sorted(methods.split())
    assert (seen["x"], seen["reset"]) == ("#x=payload_bytes", "")


def test_an_address_from_elsewhere_does_no_harm(opened):
    page = opened("#x=nonsense&hide=nobody&seed=99&whatever")
    assert page.body["data-errors"] == "0"


def test_a_page_of_decisions_draws_every_figure_of_the_setting_chosen(opened, tmp_path):
    report = qfl.report.write(decided(tmp_path / "deciding"))
    page = opened("#setting=choose+2%2C+clients+10&seed=3", path=report.html)
    assert page.body["data-errors"] == "0"
    assert page.body["data-figures"] == page.body["data-drawn"]
    assert set(page.marks.values()) == {1}
    assert {"growth", "sample-ratio-by-depth", "approximation-ratio-by-clients"} <= set(page.marks)
    assert len(page.rows["wins"]) == len(page.rows["by-tts-seconds"]) == 5
    assert {row["data-setting"] for row in page.rows["decisions"]} == {"choose 2, clients 10"}
