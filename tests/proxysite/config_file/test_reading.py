"""From a file or standard input to JSON: what can be wrong before any section is looked at."""

import io
import sys

import pytest

from proxysite.config_file import ConfigFileError, reading


@pytest.fixture
def read(tmp_path):
    """Reads a file with these bytes; {path} in a message stands for it."""
    path = tmp_path / "config.json"

    def of(content):
        path.write_bytes(content)
        return reading.read(str(path))

    return of


@pytest.fixture
def refusal(read, tmp_path):
    def of(content):
        with pytest.raises(ConfigFileError) as refused:
            read(content)
        return str(refused.value).replace(str(tmp_path / "config.json"), "{path}")

    return of


def test_a_byte_order_mark_is_no_obstacle(read):
    assert read(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, [])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"a":\n  b}', "{path} is not valid JSON: Expecting value at line 2, column 3."),
        (b"{} {}", "{path} is not valid JSON: Extra data at line 1, column 4."),
        (b"", "{path} is empty; it should hold a JSON object."),
        (b" \n", "{path} is empty; it should hold a JSON object."),
        (b'{"a": "\xe4"}', "{path} is not UTF-8 text: invalid continuation byte at byte 7."),
        ('{"a": 1}'.encode("utf-16"), "{path} is not UTF-8 text: invalid start byte at byte 0."),
        (b"[" * 100000, "{path} is nested too deeply."),
        (b"1" * 5000, "{path} has a number with too many digits."),
    ],
    ids=["broken", "two values", "empty", "blank", "latin-1", "utf-16", "nested", "digits"],
)
def test_what_is_no_json_is_refused_in_a_sentence(refusal, content, sentence):
    assert refusal(content) == sentence


def test_a_name_that_stands_twice_is_noted_and_the_last_one_counts(read):
    content, notes = read(b'{"a": {"b": 1, "b": 2}}')
    assert content == {"a": {"b": 2}}
    assert notes == ['"b" is written more than once in one object; the last one counts.']


def test_a_missing_file_is_named():
    with pytest.raises(ConfigFileError, match=r"^/does/not/exist\.json cannot be read: No such file or directory\.$"):
        reading.read("/does/not/exist.json")


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(ConfigFileError, match="cannot be read: Is a directory"):
        reading.read(str(tmp_path))


def test_a_minus_sign_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO('{"ü": 1}'.encode()), encoding="ascii"))
    assert reading.read("-") == ({"ü": 1}, [])


def test_standard_input_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    with pytest.raises(ConfigFileError, match=r"^Standard input is not valid JSON: "):
        reading.read("-")
