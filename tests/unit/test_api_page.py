"""Every behaviour of the API that the project cites is described in docs/API.md, once, with its source."""

import re

from tests.documents import anchor, files, headings, name, text_of

PAGE = text_of("docs/API.md")
ENTRIES = re.split(r"^(?=#{2,3} )", PAGE, flags=re.MULTILINE)
NUMBERS = [int(number) for number in re.findall(r"^### Q(\d+)\. ", PAGE, re.MULTILINE)]
CITING = [(name(path), path.read_text(encoding="utf-8")) for path in files(".py", ".sql", ".md")]


def test_the_numbers_are_1_to_153_once_each() -> None:
    assert sorted(NUMBERS) == list(range(1, 154))


def test_every_number_has_a_text_and_a_source() -> None:
    """The first line after the heading is the behaviour or, where the heading is all of it, the source."""
    for entry in ENTRIES:
        if re.match(r"### Q\d", entry):
            assert re.search(r"^- \*\*Seen\*\*: \S", entry, re.MULTILINE), entry.splitlines()[0]


def test_every_number_that_is_cited_is_on_the_page() -> None:
    cited = {(path, int(number)) for path, text in CITING for number in re.findall(r"\bQ(\d+)\b", text)}
    assert len({path for path, _ in cited}) > 50
    assert sorted(citation for citation in cited if citation[1] not in NUMBERS) == []


def test_every_heading_that_is_cited_is_on_the_page() -> None:
    anchors = {anchor(heading) for heading in headings(PAGE)}
    cited = {(path, at) for path, text in CITING for at in re.findall(r"API\.md#([\w-]+)", text)}
    assert len(cited) > 50
    assert sorted(citation for citation in cited if citation[1] not in anchors) == []


def test_nothing_cites_a_section_by_number() -> None:
    """Sections and facts by number belonged to an older catalogue."""
    old = re.compile(r"API\.md\s+§|\b[Ff]acts? \d+\b")
    past_records = "DECISIONS.md"
    assert [path for path, text in CITING if path != past_records and old.search(text)] == []
