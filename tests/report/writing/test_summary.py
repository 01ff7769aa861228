"""The plain-text forms of the report."""

import csv
import io
from pathlib import Path

REPORTS = Path(__file__).parents[3] / "reports"


def test_markdown_opens_with_the_headline(written):
    text = written.summaries[0].read_text(encoding="utf-8")
    assert text.startswith("# Client selection by QAOA\n")
    assert f"**{written.headline}**" in text
    assert "| method | rounds to target ↓ |" in text
    assert "**Secondary comparisons.**" in text


def test_csv_has_one_line_per_method_and_outcome(written):
    rows = list(csv.DictReader(io.StringIO(written.summaries[1].read_text(encoding="utf-8"))))
    assert len({(row["method"], row["outcome"], row["label"]) for row in rows}) == len(rows)
    (row,) = (r for r in rows if (r["method"], r["outcome"]) == ("qaoa", "rounds_to_target"))
    assert float(row["low"]) < float(row["estimate"]) < float(row["high"])
    assert (row["n"], row["interval"], row["reached"]) == ("6", "Student", "6")


def test_tex_is_a_balanced_table(written):
    text = written.summaries[2].read_text(encoding="utf-8")
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 1
    assert "QAOA noisy" in text
    assert text.isascii() or not set("±−↑↓²≈") & set(text)
    lines = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len({line.count(" & ") for line in lines}) == 1


def test_every_curated_report_is_honest_about_emulated_keys():
    """The sentence of the time it was made; whatever the study, its keys are none."""
    found = [path for path in REPORTS.rglob("*.md") if path.name != "README.md"]
    assert len(found) > 10
    for path in found:
        assert "Emulated QKD gives no real-world secrecy" in path.read_text(encoding="utf-8"), path
