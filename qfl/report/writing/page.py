"""The report of one run: reads the run, computes once, writes page, summaries and figures.

Same inputs, same bytes: nothing here asks for the time, and every mapping is sorted. One bundle
of Vega is embedded once; the page opens with no network and refuses to use one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from qfl.report.charts.datasets import thinning_note
from qfl.report.charts.figures import slug, with_data
from qfl.report.deciding import devices
from qfl.report.runs.results import read
from qfl.report.words import display, p_text
from qfl.report.writing import listings, methods, payload, summary
from qfl.report.writing.analysis import Analysis, analyse
from qfl.security import HONESTY
from qfl.study.store import write_atomically

PAGE = "report.html"
FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class Report:
    """What `write` left on disk, and the answer in one sentence."""

    headline: str
    html: Path
    summaries: tuple[Path, ...]
    figures: tuple[Path, ...]


def write(run_dir: Path) -> Report:
    """Write report.html, summary.md, summary.csv, summary.tex and figures/*.svg of a run.

    Args:
        run_dir: folder with study.lock.toml, cells.jsonl and provenance/.

    Raises:
        StoreError: the run is missing or damaged, or its folder cannot be written to.
        ConfigError: the headline of the study cannot be understood.
    """
    analysis = analyse(read(run_dir))
    write_atomically(run_dir / PAGE, render(analysis))
    texts = summary.render(analysis)
    for name, text in texts.items():
        write_atomically(run_dir / name, text)
    return Report(
        headline=analysis.headline.sentence,
        html=run_dir / PAGE,
        summaries=tuple(run_dir / name for name in texts),
        figures=_draw(run_dir / FIGURES, analysis),
    )


def render(analysis: Analysis) -> str:
    """Return the page as HTML."""
    import jinja2
    import vl_convert

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
    )
    environment.filters["display"] = display
    environment.filters["p_text"] = p_text
    environment.filters["seed_json"] = lambda seeds: json.dumps(seeds, ensure_ascii=False)
    raw = environment.filters["safe"]
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    results = analysis.results
    return environment.get_template("report.html").render(
        a=analysis,
        title=results.text("title") or results.name,
        looks={look.method: look for look in analysis.styles},
        facts=payload.facts_line(analysis),
        thinning=thinning_note(results),
        samples=payload.samples_line(results),
        levels=payload.levels_line(results),
        warnings=payload.warnings(results),
        model_error=devices.model_caution(results),
        axes=payload.axes(analysis),
        baseline=results.headline.baseline if results.headline else "",
        states=listings.counts_text(results),
        emulation=HONESTY,
        methods=methods.paragraphs(results, analysis.families, analysis.unpaired),
        provenance=[payload.provenance_cards(block) for block in results.provenance.values()],
        css=raw(_asset("report.css")),
        counter=raw(_asset("counter.js")),
        script=raw(_asset("report.js")),
        bundle=raw(_script(bundle)),
        payload=raw(_json(payload.payload(analysis))),
    )


def _draw(folder: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write every figure as SVG and remove those of an earlier report."""
    import vl_convert

    settings = analysis.results.settings or ("",)
    specs = {
        folder / f"{'-'.join(filter(None, (figure.key, slug(setting))))}.svg": with_data(
            figure, analysis.data, setting=setting
        )
        for setting in settings
        for figure in analysis.figures
    }
    for old in sorted(set(folder.glob("*.svg")) - specs.keys()):
        old.unlink()
    for path, spec in specs.items():
        write_atomically(path, vl_convert.vegalite_to_svg(spec))
    return tuple(specs)


def _asset(name: str) -> str:
    return (files("qfl.report.writing") / "templates" / name).read_text(encoding="utf-8")


def _script(text: str) -> str:
    """Return script text that cannot close its own element."""
    return re.sub(r"<(/script|!--)", r"\\x3c\1", text, flags=re.IGNORECASE)


def _json(value: Any) -> str:
    """Return JSON that cannot close its own element: no "<" survives."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")
