"""Tables of text: quotes, padding and byte-order marks come off, torn rows are refused."""

import pytest

from qfl.core.errors import ConfigError
from qfl.data import students


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
