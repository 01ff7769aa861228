"""The whole of a report, computed once: the declared comparison first, every figure with data."""

from simulated_run import simulate

from qfl.report.charts.datasets import Source
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse


def test_the_declared_comparison_comes_first(analysis):
    assert analysis.families[0].name == "primary"
    assert [style.method for style in analysis.styles] == list(analysis.results.methods)


def test_every_shared_table_that_a_figure_reads_is_there(analysis):
    read_by_figures = {
        data.table
        for figure in analysis.figures
        for data in figure.data.values()
        if isinstance(data, Source)
    }
    assert read_by_figures
    assert read_by_figures <= analysis.data.keys()


def test_figures_are_those_of_the_sections_in_their_order(analysis):
    assert [f.key for f in analysis.figures] == [
        figure.key for section in analysis.sections.values() for figure in section
    ]


def test_what_a_run_does_not_have_leaves_no_section(tmp_path, analysis):
    bare = analyse(read(simulate(tmp_path, seeds=2, rounds=3, exchange=False)))
    assert analysis.sections["security"]
    assert bare.sections["security"] == ()
    for absent in ("forgetting", "stream", "slots", "devices", "reach", "axes"):
        assert bare.sections[absent] == (), absent


def test_a_run_is_analysed_alike_twice(run_dir, analysis):
    again = analyse(read(run_dir))
    assert [s.text for s in again.headline.statements] == [
        s.text for s in analysis.headline.statements
    ]
    assert again.tables == analysis.tables
