"""Commands: the judge takes any answer, bodies and site_info agree, and the outcome does not depend on order."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from wattlog.commands.answers import Judgement, Verdict, judge
from wattlog.commands.outcomes import Outcome, result_of
from wattlog.commands.settings import SETTINGS, Choice, Percent, SettingSpec

SIMPLE = [spec for spec in SETTINGS.values() if isinstance(spec.values, Percent | Choice)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-600, 600) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["response", "code", "Code", "result", "reason", "error", "message"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
JUDGEMENTS = st.lists(
    st.sampled_from(
        [Judgement(Verdict.ACCEPTED), Judgement(Verdict.REJECTED, "no"), Judgement(Verdict.UNKNOWN, "lost")]
    )
)


def texts_of(spec: SettingSpec) -> st.SearchStrategy[str]:
    if isinstance(spec.values, Choice):
        return st.sampled_from(list(spec.values.values))
    return st.integers(0, 100).map(str)


@given(JSON, st.sampled_from([0, 200, 201, 204, 301, 400, 403, 429, 500, 502]))
def test_any_answer_has_a_meaning(payload: Any, status: int) -> None:
    verdict, reason = judge(status, orjson.dumps(payload))
    assert bool(reason) == (verdict is not Verdict.ACCEPTED)
    assert verdict is not Verdict.ACCEPTED or 200 <= status < 300


@given(st.data(), st.sampled_from(SIMPLE))
def test_what_a_body_sets_is_what_site_info_shows(data: st.DataObject, spec: SettingSpec) -> None:
    text = data.draw(texts_of(spec))
    value = spec.values.parse(text)
    info: Any = value
    for key in reversed(spec.info_path):
        info = {key: info}
    assert spec.shown(info) == text
    assert spec.value_in_body(spec.body(value)) == value
    assert text in spec.sentence(text)


@given(st.data(), st.sampled_from(SIMPLE), JUDGEMENTS, st.randoms(use_true_random=False))
def test_the_outcome_is_applied_only_where_the_value_was_shown(
    data: st.DataObject, spec: SettingSpec, judgements: list[Judgement], random: Any
) -> None:
    values = texts_of(spec)
    asked, before = data.draw(values), data.draw(st.none() | values)
    shown = data.draw(st.lists(st.none() | values, max_size=4))
    found = result_of(spec, asked, before, judgements, shown)
    mixed = list(judgements)
    random.shuffle(mixed)
    assert result_of(spec, asked, before, mixed, shown) == found
    is_seen = asked in shown or (None in shown and before is not None and asked == spec.absent_is)
    verdicts = {judgement.verdict for judgement in judgements}
    is_refused = verdicts == {Verdict.REJECTED}
    assert (found.outcome is Outcome.REJECTED) == is_refused
    assert (found.outcome is Outcome.APPLIED) == (is_seen and not is_refused)
    assert found.reason is not None or found.outcome is Outcome.APPLIED
