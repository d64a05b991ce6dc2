"""An event is declared once, as a signature with a docstring, and is then all that its row says."""

from prosaas_logging.errors import ExcInfo
from prosaas_logging.events import event, split_template
from prosaas_logging.levels import INFO, WARNING


@event(
    WARNING, "⚠️", tag="TILL", he="{till} נתקעה", en="{till} is stuck: {why}", fold=1, hidden=("by",), speech=("why",),
    labels={"why": {"paper": ("נייר", "paper")}},
)  # fmt: skip
def TILL_STUCK(*, till: str, why: str, by: str = "", call_sid: str = "", exc_info: ExcInfo = None) -> None:
    """A till that opens no more."""


@event(INFO)
def TILL_OPENED(*, job_id: str, message_id: str) -> None: ...


def test_an_event_has_what_its_declaration_says() -> None:
    stuck = TILL_STUCK
    assert (stuck.name, repr(stuck), stuck.tag, stuck.doc) == (
        "TILL_STUCK", "TILL_STUCK", "TILL", "A till that opens no more."
    )  # fmt: skip
    assert (stuck.level, stuck.emoji, stuck.fold) == (WARNING, "⚠️", 1)
    assert (stuck.he, stuck.en) == (("", "till", " נתקעה"), ("", "till", " is stuck: ", "why", ""))
    assert stuck.fields == ("till", "why", "by", "call_sid")
    assert (stuck.ids, stuck.hidden, stuck.speech) == ({"call_sid"}, {"by"}, {"why"})
    assert stuck.explains, "it may carry an error"
    assert stuck.labels["why"]["paper"] == ("נייר", "paper")


def test_what_a_declaration_leaves_out_is_what_most_events_are() -> None:
    opened = TILL_OPENED
    assert (opened.tag, opened.doc, opened.emoji, opened.he, opened.en) == ("TILL_OPENED", "", "", (), ())
    assert (opened.fold, opened.hidden, opened.speech, opened.labels) == (2, set(), set(), {})
    assert (opened.explains, opened.ids) == (False, {"job_id", "message_id"})
    assert split_template("no field") == ("no field",)
