"""`qfl validate`: studies, and runs with what belongs to them."""

from qfl.study.folder import toml


def test_validate_names_a_task_that_nobody_holds(qfl, here, settings):
    settings["scenario"]["clients"], few = 3, here / "few.toml"
    settings["federation"]["clients_per_round"] = 2
    few.write_text(toml(settings))
    done = qfl("validate", few)
    assert done.code == 0
    first, note = done.out.splitlines()
    assert first == f"{few} is valid (study: 4 cells, smoke: 2 cells)"
    assert note.startswith("note: no client holds slant with seeds 0, 1; its metrics are")


def test_validate_takes_a_study_or_a_run(qfl, file, run_folder):
    assert qfl("validate", file).out == f"{file} is valid (study: 4 cells, smoke: 2 cells)\n"
    assert qfl("validate", "runs/toy").out == "runs/toy is valid: 4 of 4 cells done\n"
    file.write_text(file.read_text().replace("seeds = 2", "seedz = 2"))
    done = qfl("validate", file)
    assert done.code == 2
    assert f"error: {file}: 2 errors" in done.err
    assert "seedz: unknown key (did you mean 'seeds'?)" in done.err


def test_validate_misses_provenance_that_is_gone(qfl, run_folder):
    next((run_folder / "provenance").iterdir()).unlink()
    done = qfl("validate", "runs/toy")
    assert done.code == 2
    assert "is missing; rows refer to it" in done.err
