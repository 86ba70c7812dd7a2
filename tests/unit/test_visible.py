"""Text from elsewhere steers no terminal, and is otherwise what it was."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.logs import SafeFormatter, VisibleRecord
from tests.examples import examples
from wattlog.visible import visible, visible_json, visible_sink

HARMLESS = "Größe 東京 👩‍🌾 [red] \\x1b €"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x00b", r"a\x00b"),
        ("a\x7fb", r"a\x7fb"),
        ("12\r34", r"12\r34"),
        ("one\ntwo\tthree", r"one\ntwo\tthree"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\u202egnp.exe\u202c", r"\u202egnp.exe\u202c"),
        ("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c"),
        ("\ud800", r"\ud800"),
        (HARMLESS, HARMLESS),
    ],
)
def test_what_steers_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_stay_where_they_are_meant() -> None:
    assert visible("one\n\ttwo\r\x1b", keeps_lines=True) == "one\n\ttwo\\r\\x1b"


@examples(40)
@given(st.text())
def test_json_keeps_its_values(text: str) -> None:
    written = json.dumps({"name": text}, ensure_ascii=False)
    assert json.loads(visible_json(written)) == {"name": text}
    assert visible(visible_json(written)) == visible_json(written)


@examples(40)
@given(st.text())
def test_visible_is_done_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_terminal_gets_csv_and_json_without_what_steers_it() -> None:
    terminal = io.BytesIO()
    visible_sink(terminal, is_json=False).write("name\n\x1b[2J,\x9b\n".encode())
    visible_sink(terminal, is_json=True).write('["\x9b", "\u202e"]\n'.encode())
    assert terminal.getvalue().decode() == 'name\n\\x1b[2J,\\x9b\n["\\u009b", "\\u202e"]\n'


def test_log_lines_and_tracebacks_steer_no_terminal() -> None:
    formatter = SafeFormatter("%(levelname)s %(message)s")
    try:
        raise ValueError("\x1b[2J\u202e")
    except ValueError as error:
        trouble = (ValueError, error, error.__traceback__)
    record = VisibleRecord("x", logging.WARNING, __file__, 1, "site %s\nWARNING forged", ("\x1b]0;x\x07",), trouble)
    first, *others = formatter.format(record).splitlines()
    assert first == r"WARNING site \x1b]0;x\x07\nWARNING forged"
    assert others[-1] == r"ValueError: \x1b[2J\u202e"
