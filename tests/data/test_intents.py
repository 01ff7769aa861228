"""Intents and slots: marks stand at their words."""

import json

import numpy as np

from qfl.data import intents
from tests.data.distributions import folders, same


def test_slots_stand_at_their_words(given):
    raw = {
        "intent": np.array(list("abcdefg")),
        "part": np.array(["train"] * 6 + ["validate"]),
        "piece": np.array(["play ", "Let It Be", " now", *"bcdefg"]),
        "slot": np.array(["", "track", "", *[""] * 6]),
        "offset": np.array([0, 3, 4, 5, 6, 7, 8, 9]),
    }
    given(intents, raw, "read_snips")
    data = intents.Snips(positions=6).load()
    assert data.samples.targets["slots"][0].tolist() == [0, 1, 1, 1, 0, -1]
    assert (data.samples.inputs["words"][0] > 0).tolist() == [True] * 5 + [False]
    assert data.test_rows.tolist() == [6]


def test_out_of_scope_utterances_are_left_out(given):
    raw = {
        "text": np.array(["a b", "c", "d"]),
        "intent": np.array(["pay", "oos", "greet"]),
        "part": np.array(["train", "train", "test"]),
        "domain_intent": np.array(["greet", "pay"]),
        "domain": np.array(["talk", "money"]),
    }
    given(intents, raw, "read_clinc")
    data = intents.Clinc150().load()
    assert data.samples.targets["domain"].tolist() == [0, 1]
    assert data.test_rows.tolist() == [1]
    assert (data.samples.inputs["words"][0] > 0).sum() == 3


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
