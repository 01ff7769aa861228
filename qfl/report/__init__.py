"""From finished cells to an answer: statistics, tables, figures, one self-contained page.

`qfl.report.write(run_dir)` is the whole public surface. vl-convert, jinja2 and scipy are imported
where they are used.
"""

from qfl.report.writing.page import Report, write

__all__ = ["Report", "write"]
