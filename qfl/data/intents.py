"""What people ask of assistants: CLINC150 (intents, domains) and Snips (intents, slots)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qfl.core.tasks import Dataset, Modality, Task
from qfl.data.assemble import assemble
from qfl.data.catalog import Raw, arrays_of, locate
from qfl.data.tables import codes
from qfl.data.text import hashed, words

NO_TAG = -1
"""The target of a position beyond the end of a text."""

_PARTS = ("train", "val", "test")


def read_clinc(folder: Path) -> Raw:
    """Return text, intent and part (train, val, test; out-of-scope intents are "oos"), and the
    domain of every intent as two aligned columns."""
    data = json.loads(locate(folder, "data_full.json").read_text("utf-8"))
    domains = json.loads(locate(folder, "domains.json").read_text("utf-8"))
    rows = [
        (text, intent, part)
        for part in _PARTS
        for split in (part, f"oos_{part}")
        for text, intent in data[split]
    ]
    text, intent, part = zip(*rows, strict=True)
    pairs = sorted((intent, domain) for domain, own in domains.items() for intent in own)
    return {
        "text": np.array(text),
        "intent": np.array(intent),
        "part": np.array(part),
        "domain_intent": np.array([name for name, _ in pairs]),
        "domain": np.array([domain for _, domain in pairs]),
    }


def read_snips(folder: Path) -> Raw:
    """Return text (pieces joined), intent and part, and the slots as flat pieces: `piece`, `slot`
    ("" outside) and `offset` of each text."""
    packed = list(folder.rglob("snips_slots.json"))
    if packed:
        found = json.loads(packed[0].read_text("utf-8"))
    else:
        found = _official_snips(folder)
    parts, intents, offset, pieces, slots = [], [], [0], [], []
    for part in ("train", "validate"):
        for intent in sorted(found[part]):
            for utterance in found[part][intent]:
                pieces += [text for text, _ in utterance]
                slots += [slot or "" for _, slot in utterance]
                parts.append(part)
                intents.append(intent)
                offset.append(len(pieces))
    return {
        "intent": np.array(intents),
        "part": np.array(parts),
        "piece": np.array(pieces),
        "slot": np.array(slots),
        "offset": np.array(offset),
    }


def _official_snips(folder: Path) -> dict[str, dict[str, list[list[list[Any]]]]]:
    """Return split -> intent -> utterances -> [text, slot] of the two files per intent."""
    found: dict[str, dict[str, list[list[list[Any]]]]] = {"train": {}, "validate": {}}
    for path in sorted(folder.rglob("train_*_full.json")):
        intent = path.stem.removeprefix("train_").removesuffix("_full")
        for part, file in (("train", path), ("validate", path.parent / f"validate_{intent}.json")):
            found[part][intent] = [
                [[piece["text"], piece.get("entity")] for piece in utterance["data"]]
                for utterance in json.loads(_decoded(file))[intent]
            ]
    locate(folder, "train_*_full.json")
    return found


def _decoded(path: Path) -> str:
    """Return the text of a file in UTF-8, or in Latin-1 where it is not."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Clinc150:
    """The loader.

    Attributes:
        vocabulary: size of the table of hashed words and n-grams.
        positions: tokens per text.
        ngram: the longest n-gram; 1 shows words alone.
    """

    vocabulary: int = 4096
    positions: int = 32
    ngram: int = 2

    def load(self) -> Dataset:
        """Return the utterances in scope, tasks intent and domain; natural clients are domains."""
        raw = arrays_of("clinc150", read_clinc)
        inside = raw["intent"] != "oos"
        texts = [words(text) for text in raw["text"][inside]]
        intent = raw["intent"][inside]
        domain = raw["domain"][np.searchsorted(raw["domain_intent"], intent)]
        return assemble(
            "clinc150",
            raw,
            modalities={
                Modality("words", (self.positions,), "text", (self.vocabulary,)): hashed(
                    texts, vocabulary=self.vocabulary, positions=self.positions, ngram=self.ngram
                )
            },
            tasks={
                Task("intent", "classification", len(np.unique(intent))): codes(intent),
                Task("domain", "classification", len(np.unique(domain))): codes(domain),
            },
            test_rows=np.flatnonzero(raw["part"][inside] == "test"),
            groups={"domain": domain},
        )


@dataclass(frozen=True, slots=True)
class Snips:
    """The loader.

    Attributes:
        vocabulary: size of the table of hashed words.
        positions: words per text.
    """

    vocabulary: int = 4096
    positions: int = 24

    def load(self) -> Dataset:
        """Return the commands, tasks intent and slots (a tag per word, 0 outside of any slot)."""
        raw = arrays_of("snips", read_snips)
        names = ["", *sorted(set(raw["slot"]) - {""})]
        texts, tags = [], np.full((len(raw["intent"]), self.positions), NO_TAG)
        for row, (begin, end) in enumerate(zip(raw["offset"], raw["offset"][1:], strict=False)):
            pieces = [
                (word, names.index(slot))
                for text, slot in zip(raw["piece"][begin:end], raw["slot"][begin:end], strict=True)
                for word in words(str(text))
            ][: self.positions]
            texts.append([word for word, _ in pieces])
            tags[row, : len(pieces)] = [tag for _, tag in pieces]
        return assemble(
            "snips",
            raw,
            modalities={
                Modality("words", (self.positions,), "text", (self.vocabulary,)): hashed(
                    texts, vocabulary=self.vocabulary, positions=self.positions
                )
            },
            tasks={
                Task("intent", "classification", 7): codes(raw["intent"]),
                Task("slots", "tagging", len(names)): tags,
            },
            test_rows=np.flatnonzero(raw["part"] == "validate"),
            groups={"intent": codes(raw["intent"])},
        )
