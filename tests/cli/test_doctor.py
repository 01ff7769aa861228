"""`qfl doctor`: what is there, without a secret."""


def test_doctor_never_shows_a_credential(qfl, monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "hunter2")
    monkeypatch.setenv("QFL_DATA", "/nowhere")
    done = qfl("doctor")
    found = dict(line.split("\t")[:2] for line in done.out.splitlines())
    assert found["IBM Quantum credentials"] == "present"
    assert found["numpy"]
    assert "QFL_DATA\t/nowhere\tno such folder" in done.out
    assert "hunter2" not in done.out + done.err


def test_doctor_is_not_fooled_by_an_account_file_without_an_account(qfl, monkeypatch, tmp_path):
    """IBM's client leaves "{}" behind when it finds none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    file = tmp_path / ".qiskit" / "qiskit-ibm.json"
    file.parent.mkdir()
    for text, found in (("{}", "none"), ('{"default": {"channel": "x"}}', "present")):
        file.write_text(text)
        (line,) = (x for x in qfl("doctor").out.splitlines() if x.startswith("IBM Quantum cred"))
        assert line.split("\t")[1] == found


def test_doctor_says_how_to_install_a_missing_extra(qfl, monkeypatch):
    from qfl.cli import doctor

    def missing(name):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    assert doctor._installed("qiskit", "pip install 'qfl[qiskit]'") == (
        "missing",
        "pip install 'qfl[qiskit]'",
    )
