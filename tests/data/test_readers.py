"""Official distribution and repack give the same arrays, on tiny files made here."""

import gzip
import json
import wave

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.data import (
    cmapss,
    ett,
    fsdd,
    grid_stability,
    hydraulic,
    intents,
    landsat,
    mfeat,
    mnist,
    motion,
    oulad,
    pjm,
    students,
    wall_robot,
)
from qfl.data.catalog import fingerprint

RNG = np.random.default_rng(0)


def same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].dtype == two[name].dtype, name
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert fingerprint(one) == fingerprint(two)


def folders(tmp_path):
    found = [tmp_path / "official" / "deeper", tmp_path / "repack"]
    for path in found:
        path.mkdir(parents=True)
    return found


def test_mnist(tmp_path):
    official, repack = folders(tmp_path)
    arrays = {
        "x_train": RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "y_train": RNG.integers(0, 10, 5, dtype=np.uint8),
        "x_test": RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "y_test": RNG.integers(0, 10, 3, dtype=np.uint8),
    }
    np.savez(repack / "mnist_70k_uint8.npz", **arrays)
    names = {
        "x_train": "train-images-idx3-ubyte.gz",
        "y_train": "train-labels-idx1-ubyte.gz",
        "x_test": "t10k-images-idx3-ubyte.gz",
        "y_test": "t10k-labels-idx1-ubyte.gz",
    }
    for name, array in arrays.items():
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (official / names[name]).write_bytes(gzip.compress(head + array.tobytes()))
    same(mnist.read(official), mnist.read(repack))
    same(mnist.read(official), arrays)


def test_fsdd(tmp_path):
    official, repack = folders(tmp_path)
    (official / "recordings").mkdir()
    clips = {
        "0_george_0": np.array([1, -2, 3], np.int16),
        "0_george_10": np.array([-32768, 32767], np.int16),
        "7_yweweler_2": np.arange(5, dtype=np.int16),
    }
    for name, pcm in reversed(clips.items()):
        with wave.open(str(official / "recordings" / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(pcm.astype("<i2").tobytes())
    np.savez(
        repack / "fsdd_8khz_int16.npz",
        pcm=np.concatenate(list(clips.values())),
        offset=np.array([0, 3, 5, 10]),
        digit=np.array([0, 0, 7], np.uint8),
        speaker=np.array(["george", "george", "yweweler"]),
        index=np.array([0, 10, 2], np.uint8),
    )
    same(fsdd.read(official), fsdd.read(repack))
    assert fsdd.pictures(fsdd.read(repack)).shape == (3, 40, 32)


def test_mfeat(tmp_path):
    official, repack = folders(tmp_path)
    for view, size in mfeat.VIEWS.items():
        table = RNG.normal(size=(20, size)) * 10.0 ** RNG.integers(-2, 4, (20, size))
        np.savetxt(official / f"mfeat-{view}", table, fmt="%.12g")
        rows = [",".join(map(str, range(size + 1)))]
        rows += [",".join([*(f"{x:.5g}" for x in row), str(k // 2)]) for k, row in enumerate(table)]
        (repack / f"mfeat-{view}.csv").write_text("\n".join(rows))
    same(mfeat.read(official), mfeat.read(repack))
    assert mfeat.read(official)["digit"].tolist() == [k // 2 for k in range(20)]


def test_landsat(tmp_path):
    official, repack = folders(tmp_path)
    x = RNG.integers(0, 256, (6, 36), dtype=np.uint8)
    labels = np.array([1, 2, 3, 4, 5, 7])
    table = np.column_stack([x, labels])
    np.savetxt(official / "sat.trn", table[:4], fmt="%d")
    np.savetxt(official / "sat.tst", table[4:], fmt="%d")
    np.savez(repack / "statlog_landsat.npz", x=x, y=np.arange(6, dtype=np.uint8))
    same(landsat.read(official), landsat.read(repack))


def test_motion(tmp_path):
    official, repack = folders(tmp_path)
    imu = RNG.normal(size=(5, 6)).astype(np.float32)
    times = np.array([1000, 1010, 1022, 50, 61])
    labels = np.array([0, 0, 4, 3, 3], np.uint8)
    head = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label"
    for name, rows in (("s01_01_sp", slice(0, 3)), ("s23_02_sw", slice(3, 5))):
        lines = [
            ",".join([*(repr(float(v)) for v in row), str(t), motion.ACTIVITIES[label]])
            for row, t, label in zip(imu[rows], times[rows], labels[rows], strict=True)
        ]
        (official / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    np.savez(
        repack / "sp_sw_har.npz",
        imu=imu,
        t_ms=np.array([0, 10, 22, 0, 11], np.int32),
        t0_ms=np.array([1000, 50]),
        label=labels,
        label_names=np.array(motion.ACTIVITIES),
        offset=np.array([0, 3, 5]),
        subject=np.array([1, 23], np.uint8),
        execution=np.array([1, 2], np.uint8),
        device=np.array(["sp", "sw"]),
    )
    same(motion.read(official), motion.read(repack))


def test_pjm(tmp_path):
    official, repack = folders(tmp_path)
    arrays = {}
    for zone in pjm.ZONES:
        rows = ["2016-01-01 02:00:00,30.0", "2016-01-01 00:00:00,10.0", "2016-01-01 05:00:00,50.0"]
        rows += ["2016-01-01 02:00:00,31.0"]
        (official / f"{zone}_hourly.csv").write_text("\n".join([f"Datetime,{zone}_MW", *rows]))
        arrays |= {
            f"{zone}_t0": np.array(["2016-01-01T00"], "datetime64[h]"),
            f"{zone}_hour": np.array([0, 2, 5], np.int32),
            f"{zone}_mw": np.array([10, 30, 50], np.float32),
        }
    np.savez(repack / "pjm_hourly.npz", **arrays)
    same(dict(pjm.read(official)), dict(pjm.read(repack)))


def test_snips(tmp_path):
    official, repack = folders(tmp_path)
    found = {
        "train": {"GetWeather": [[["rain in ", None], ["Paris", "city"]]], "PlayMusic": []},
        "validate": {"GetWeather": [[["Café", None]]], "PlayMusic": [[["U2", "artist"]]]},
    }
    (repack / "snips_slots.json").write_text(json.dumps(found))
    for part, suffix, encoding in (("train", "_full", "utf-8"), ("validate", "", "latin-1")):
        for intent, utterances in found[part].items():
            data = [
                {"data": [{"text": t} | ({"entity": s} if s else {}) for t, s in utterance]}
                for utterance in utterances
            ]
            text = json.dumps({intent: data}, ensure_ascii=False)
            (official / f"{part}_{intent}{suffix}.json").write_text(text, encoding=encoding)
    same(intents.read_snips(official), intents.read_snips(repack))
    assert intents.read_snips(official)["slot"].tolist() == ["", "city", "", "artist"]


def test_clinc(tmp_path):
    parts = {"train": [["hi", "greet"]], "val": [], "test": [["pay", "bill"]]}
    parts |= {f"oos_{part}": [["?", "oos"]] for part in ("train", "val", "test")}
    (tmp_path / "data_full.json").write_text(json.dumps(parts))
    (tmp_path / "domains.json").write_text(json.dumps({"money": ["bill"], "talk": ["greet"]}))
    raw = intents.read_clinc(tmp_path)
    assert raw["intent"].tolist() == ["greet", "oos", "oos", "bill", "oos"]
    assert dict(zip(raw["domain_intent"], raw["domain"], strict=True)) == {
        "bill": "money",
        "greet": "talk",
    }


def test_tables_with_a_byte_order_mark_quotes_and_padding(tmp_path):
    text = '\ufeffA;B\t;Target\n 1 ;"x";Dropout\n2; y;Graduate\n'
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    raw = students.read_dropout(tmp_path)
    assert {name: column.tolist() for name, column in raw.items()} == {
        "A": ["1", "2"],
        "B": ["x", "y"],
        "Target": ["Dropout", "Graduate"],
    }
    (tmp_path / "data.csv").write_text("A;B\n1;2;3\n")
    with pytest.raises(ConfigError, match="row 2: 3 cells under 2 headings"):
        students.read_dropout(tmp_path)


def test_both_subjects_are_read_in_order(tmp_path):
    (tmp_path / "student-mat.csv").write_text('school;G3\n"GP";"6"\n')
    (tmp_path / "student-por.csv").write_text("school;G3\nMS ;11\n")
    raw = students.read_performance(tmp_path)
    assert (raw["subject"].tolist(), raw["G3"].tolist()) == (["mat", "por"], ["6", "11"])
    assert raw["school"].tolist() == ["GP", "MS"]


def test_plain_tables(tmp_path):
    heads = [*grid_stability._BLOCKS["tau"], *(f"p{k}" for k in range(1, 5))]
    heads += [*(f"g{k}" for k in range(1, 5)), "stab", "stabf"]
    cells = [*map(str, range(12)), "-0.5", "stable"]
    (tmp_path / "Data_for_UCI_named.csv").write_text(f"{','.join(heads)}\n{','.join(cells)}\n")
    raw = grid_stability.read(tmp_path)
    assert raw["g"].tolist() == [[8, 9, 10, 11]]
    assert (raw["stab"].tolist(), raw["stable"].tolist()) == ([-0.5], [1])
    longer = ",".join([*(f"{k}.00000000012" for k in range(12)), "-0.50000000001", "stable"])
    (tmp_path / "Data_for_UCI_named.csv").write_text(f"{','.join(heads)}\n{longer}\n")
    same(grid_stability.read(tmp_path), raw)

    for name in hydraulic.SENSORS:
        (tmp_path / f"{name}.txt").write_text("1.5\t2.5\n3\t4\n")
    (tmp_path / "profile.txt").write_text("3\t100\t0\t130\t1\n20\t73\t2\t90\t0\n")
    assert hydraulic.read(tmp_path)["SE"].tolist() == [[1.5, 2.5], [3, 4]]
    assert hydraulic.read(tmp_path)["profile"][1].tolist() == [20, 73, 2, 90, 0]

    for part in ("train", "test"):
        (tmp_path / f"{part}_FD001.txt").write_text(f"1 1 {'0.5 ' * 24} \n")
    (tmp_path / "RUL_FD001.txt").write_text("112\n")
    assert cmapss.read(tmp_path)["test"].shape == (1, 26)
    assert cmapss.read(tmp_path)["life"].tolist() == [112]

    sonar = ",".join(["0.25"] * 24)
    for suffix in ("csv", "data"):
        (tmp_path / suffix).mkdir()
        path = tmp_path / suffix / f"sensor_readings_24.{suffix}"
        path.write_text(f"{sonar},Move-Forward\n{sonar},Sharp-Right-Turn\n")
    same(wall_robot.read(tmp_path / "csv"), wall_robot.read(tmp_path / "data"))

    for site in ("h1", "h2"):
        rows = f"date,{','.join(ett.CHANNELS)}\n2016-07-01 00:00:00,1,2,3,4,5,6,7\n"
        (tmp_path / f"ETT{site}.csv").write_text(rows)
    assert ett.read(tmp_path)["h2"].tolist() == [[1, 2, 3, 4, 5, 6, 7]]


def test_the_day_of_leaving_a_course_is_not_read(tmp_path):
    for table in ("studentInfo", "studentAssessment", "assessments"):
        (tmp_path / f"{table}.csv").write_text('"id","score"\n1,2\n')
    (tmp_path / "studentRegistration.csv").write_text("id,date_unregistration\n1,30\n")
    assert set(oulad.read(tmp_path)) == {
        f"{table}/{column}"
        for table in ("studentInfo", "studentAssessment", "assessments")
        for column in ("id", "score")
    } | {"studentRegistration/id"}


def test_a_folder_without_the_files_says_what_it_lacks(tmp_path):
    for reader in (mnist.read, fsdd.read, landsat.read, motion.read, intents.read_snips):
        with pytest.raises(ConfigError, match="fetch the set again"):
            reader(tmp_path)
