"""The report in plain text: summary.md to read, summary.csv to compute, summary.tex to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from qfl.report.runs.results import Results
from qfl.report.tables import Table, TableCell
from qfl.report.words import display
from qfl.report.writing.analysis import Analysis
from qfl.report.writing.listings import counts_text, sampled
from qfl.report.writing.methods import paragraphs


def render(analysis: Analysis) -> dict[str, str]:
    """Return file name -> contents."""
    return {
        "summary.md": _markdown(analysis),
        "summary.csv": _csv(analysis),
        "summary.tex": _tex(analysis.tables[_main(analysis)], sampled(analysis.results)),
    }


_LEARNING = (
    *(
        "matrix",
        "backdoors",
        "comparison",
        "tasks",
        "slopes",
        "trained-pairs",
        "staleness",
        "forgetting",
        "stream",
        "stream-clients",
        "stream-verdicts",
        "stream-matrix",
        "clusters",
        "clients",
        "modalities",
        "decisions",
        "devices",
        "gaps",
    ),
    *("gains", "model", "slots", "bills", "costs", "security", "sums", "privacy", "pads"),
    *("attacks", "aborts", "options", "calibrations", "unfinished"),
)
_DECIDING = (
    *("by-approximation-ratio", "wins", "by-optimum-probability", "by-tts-samples"),
    *("by-tts-seconds", "time-wins", "equal-time", "unfinished"),
)
_SAMPLING = ("devices", "gaps", "gains", "model", "published", "calibrations", "unfinished")
"""Of decisions under noise: there it is the samples that are compared."""


def _tables(results: Results) -> tuple[str, ...]:
    """Return which tables say what this study found, in order."""
    if results.trains:
        return _LEARNING
    return _SAMPLING if results.noisy else _DECIDING


def _main(analysis: Analysis) -> str:
    return "comparison" if analysis.results.trains else _tables(analysis.results)[0]


def _markdown(analysis: Analysis) -> str:
    results = analysis.results
    lines = [f"# {results.text('title') or results.name}", ""]
    lines += [f"*{results.text('question')}*", ""] if results.text("question") else []
    statements = analysis.headline.statements
    lines += [f"**{analysis.headline.sentence}**", ""]
    for key, lead in (
        ("wins", "With the samples given"),
        ("time-wins", "By real time to solution"),
    ):
        if analysis.tables[key].rows and not results.noisy:
            lines += [f"*{lead}:* {analysis.tables[key].finding}", ""]
    for key in ("tasks", "stream-verdicts"):
        if found := analysis.tables[key].finding:
            lines += [found, ""]
    if len(statements) > 1:
        lines += [f"- {display(s.difference.setting) or 'all'}: {s.text}" for s in statements]
        lines.append("")
    lines += [text for s in statements[:1] if s.detail for text in (s.detail, "")]
    lines += [f"{text}." for text in (counts_text(results), sampled(results)) if text]
    lines.append("")
    for key in _tables(results):
        table = analysis.tables[key]
        if table.rows:
            lines += [f"## {table.caption}", "", *_grid(table), ""]
            lines += [table.note, ""] if table.note else []
    lines += ["## Methods", ""]
    for paragraph in paragraphs(results, analysis.families, analysis.unpaired):
        lines += [f"**{paragraph.heading}.** {paragraph.text}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _grid(table: Table) -> list[str]:
    heads = [f"{c.label} {c.arrow}".strip() for c in table.columns]
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    rows = [[_cell(cell, bold="**{}**", escape=_md) for cell in row.cells] for row in table.rows]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, rules, *rows)]


def _cell(cell: TableCell, *, bold: str, escape: Callable[[str], str]) -> str:
    text = escape(cell.text)
    if cell.mark == "best":
        text = bold.format(text)
    elif cell.mark == "tie":
        text = f"≈ {text}"
    extra = ", ".join(part for part in (cell.spread, cell.n) if part)
    return f"{text} ({escape(extra)})" if extra else text


def _csv(analysis: Analysis) -> str:
    """Return one line per setting, method and outcome."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for s in analysis.summaries:
        measured, interval, times = s.outcome.metric, s.interval, s.times
        writer.writerow(
            (s.setting, s.method, measured.name, measured.label, measured.unit)
            + tuple(_number(x) for x in (interval.estimate, interval.low, interval.high))
            + (interval.n, interval.method)
            + (("", "") if times is None else (_number(times.median), times.reached))
        )
    return file.getvalue()


_CSV_COLUMNS = (
    *("setting", "method", "outcome", "label", "unit", "estimate", "low", "high", "n"),
    *("interval", "median", "reached"),
)


def _tex(table: Table, note: str) -> str:
    """Return the comparison as a booktabs table, with a note below it if there is one."""
    columns = "".join("r" if column.numeric else "l" for column in table.columns)
    heads = [_latex(f"{column.label} {column.arrow}".strip()) for column in table.columns]
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        " & ".join(heads) + " \\\\",
        "\\midrule",
    ]
    for row in table.rows:
        cells = [_cell(cell, bold="\\textbf{{{}}}", escape=_latex) for cell in row.cells]
        lines.append(" & ".join(cells).replace("≈", "$\\approx$") + " \\\\")
    lines.append("\\bottomrule")
    if note:
        below = f"\\footnotesize {_latex(note)}."
        lines.append(f"\\multicolumn{{{len(table.columns)}}}{{l}}{{{below}}} \\\\")
    return "\n".join([*lines, "\\end{tabular}"]) + "\n"


def _number(value: float) -> str:
    return "" if value != value else f"{value:.6g}"


def _md(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_LATEX = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_",
    "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "±": "$\\pm$", "−": "$-$", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "²": "$^2$",
    ">": "$>$", "<": "$<$", "≈": "$\\approx$", "µ": "$\\mu$", "–": "--",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
