"""The page as a file: complete without scripts, safe against its own contents, deterministic."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from simulated_run import Simulation, simulate, write_run

import qfl.report
from qfl.core.errors import StoreError
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.report.writing.page import render

NASTY = "</script><script>alert(1)</script><img src=http://x.test onerror=alert(2)> & 'quoted'"


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.rows, self.headings = [], [], {}, []
        self._table = self._heading = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.addresses += [attributes[k] for k in ("src", "href", "data") if attributes.get(k)]
        self._table = attributes.get("data-table", self._table)
        if tag == "tr":
            self.rows[self._table] = self.rows.get(self._table, 0) + 1
        self._heading = tag if tag in ("h1", "h2") else ""

    def handle_data(self, data):
        if self._heading:
            self.headings.append(data.strip())
            self._heading = ""


@pytest.fixture(scope="module")
def page(written):
    return Page(written.html.read_text(encoding="utf-8"))


def embedded(text):
    return json.loads(re.search(r'id="payload">(.*?)</script>', text).group(1))


def test_write_returns_what_it_wrote(written):
    assert written.headline.startswith("QAOA reached 80 % digit accuracy")
    assert [path.name for path in written.summaries] == ["summary.md", "summary.csv", "summary.tex"]
    assert len(written.figures) == 21
    for path in (written.html, *written.summaries, *written.figures):
        assert path.stat().st_size > 100


def test_sections_come_in_the_order_of_the_reference(page):
    assert page.headings == [
        "Client selection by QAOA",
        "Comparison",
        "Convergence",
        "Decision quality",
        "Cost and security",
        "Realised heterogeneity",
        "Cells",
        "Methods",
        "Provenance",
        "Data",
    ]


def test_tables_are_complete_without_scripts(page):
    assert page.rows["cells"] == 1 + 42
    assert page.rows["comparison"] == page.rows["decisions"] == 1 + 7


def test_one_file_within_budget_and_without_addresses(page, written):
    assert written.html.stat().st_size < 2_000_000
    assert all(address.startswith("#") for address in page.addresses)
    assert not {"link", "img", "iframe"} & set(page.tags)


def test_every_figure_reads_tables_that_are_embedded(written):
    data = embedded(written.html.read_text(encoding="utf-8"))
    assert len(data["figures"]) == 21
    for figure in data["figures"]:
        for source in figure["data"].values():
            assert "columns" in source or source["from"] in data["tables"]


def test_methods_and_provenance_say_what_ran(written):
    text = written.html.read_text(encoding="utf-8")
    assert "exact paired sign-flip permutation test" in text
    assert "No Friedman test: ranks need 6 instances" in text
    assert "gives no real-world secrecy" in text
    assert "2436257b8c0f4f5a9e0c1d2e3f405162738495a6" in text
    assert "2.13.0" in text


def test_the_same_run_gives_the_same_bytes(run_dir, written, tmp_path):
    copy = tmp_path / "selection"
    shutil.copytree(run_dir, copy)
    for path in (*written.figures, *written.summaries, written.html):
        (copy / path.relative_to(run_dir)).unlink()
    again = qfl.report.write(copy)
    for path in (again.html, *again.summaries, *again.figures):
        assert path.read_bytes() == (run_dir / path.relative_to(copy)).read_bytes(), path.name


def test_contents_cannot_break_out_of_the_page(tmp_path):
    simulation = Simulation(seeds=2, rounds=3, methods=("random", "qaoa"))
    rows = simulation.rows()
    rows[0] = replace(rows[0], status="failed", reason=NASTY, rounds=())
    lock = simulation.lock().replace("Client selection by QAOA", NASTY)
    lock = lock.replace('label = "qaoa"', f'label = "{NASTY}"')
    folder = write_run(tmp_path / "run", rows, lock)
    (folder / "provenance" / "demo.json").write_text(json.dumps({"argv": [NASTY]}))
    text = render(analyse(read(folder)))
    parsed = Page(text)
    assert parsed.tags.count("script") == 4
    assert "img" not in parsed.tags
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text


def test_ten_thousand_points_stay_within_budget(tmp_path):
    folder = simulate(tmp_path, seeds=6, rounds=238, exchange=False)
    assert 7 * 6 * 239 > 10_000
    assert len(render(analyse(read(folder))).encode()) < 2_000_000


def test_a_run_without_a_result_still_has_a_page(tmp_path):
    simulation = Simulation(seeds=2, rounds=2, methods=("random", "qaoa"))
    rows = [replace(row, status="failed", reason="boom", rounds=()) for row in simulation.rows()]
    report = qfl.report.write(write_run(tmp_path / "run", rows, simulation.lock()))
    assert report.headline == "No claim: there is no finished cell of QAOA or random."
    text = report.html.read_text(encoding="utf-8")
    assert text.count("boom") == 2 * 4  # as text and as sort key
    assert "4 cells of this study have no result yet." in text


def test_importing_the_report_is_cheap():
    code = "import sys, qfl.report; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"altair", "jinja2", "scipy", "torch", "vl_convert", "pandas"})


def test_old_figures_are_removed(tmp_path):
    folder = simulate(tmp_path / "run", seeds=1, rounds=2, methods=("random", "qaoa"))
    stale = folder / "figures" / "gone.svg"
    stale.parent.mkdir()
    stale.write_text("<svg/>")
    report = qfl.report.write(folder)
    assert not stale.exists()
    assert set(stale.parent.iterdir()) == set(report.figures)


def test_a_folder_that_is_no_run_leaves_nothing_behind(tmp_path):
    with pytest.raises(StoreError):
        qfl.report.write(tmp_path)
    assert not list(tmp_path.iterdir())
