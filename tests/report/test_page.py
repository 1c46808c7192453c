"""The page of a run: what it says, that it is safe, whole, and always the same."""

import base64
import re
import time
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from limelight.errors import InternalError, OutputError
from limelight.report.facts import choose_series, verdict
from limelight.report.page import picture_names, render_page, write_report

SECTIONS = [
    "scores", "asked", "learning", "classes", "confusion", "attention", "look", "warnings", "reproduce",
]  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags, ids, links, sources and words of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.sources, self.words = [], [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append(tag)
        self.ids += [facts["id"]] if "id" in facts else []
        self.links += [facts["href"]] if "href" in facts else []
        self.sources += [facts["src"]] if "src" in facts else []

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())


def pictures(page):
    return [base64.b64decode(source.split(",", 1)[1]).decode() for source in Reader(page).sources]


def test_the_page_lies_in_the_folder_of_the_run_with_a_picture_for_each_class(tmp_path, make_facts):
    page = write_report(tmp_path, make_facts())
    assert page == tmp_path / "report" / "index.html"
    assert sorted(file.name for file in page.parent.iterdir()) == [
        "attention_fault.png",
        "attention_ok.png",
        "index.html",
    ]
    assert (page.parent / "attention_ok.png").read_bytes().startswith(b"\x89PNG")


def test_every_section_is_there_and_linked(make_facts):
    page = Reader(render_page(make_facts()))
    assert page.ids == SECTIONS
    assert [link for link in page.links if link.startswith("#")] == [f"#{name}" for name in SECTIONS]


def test_the_page_needs_no_network_and_no_script(make_facts):
    page = Reader(render_page(make_facts()))
    assert "script" not in page.tags
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.sources)
    assert all(link.startswith(("#", "data:")) for link in page.links)


def test_the_same_facts_give_the_same_bytes(tmp_path, make_facts):
    first, second = (write_report(tmp_path / name, make_facts()).parent for name in ("a", "b"))
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_scores_stand_beside_the_baseline(make_facts):
    facts = make_facts()
    text = Reader(render_page(facts)).text
    accuracy = facts.metrics["test"]["accuracy"]
    assert f"share of correct answers {accuracy:.3f} baseline 0.500" in text
    assert "F1 of the class 'ok'" in text


def test_what_was_asked_and_how_to_repeat_it_are_said(make_facts):
    text = Reader(render_page(make_facts())).text
    assert "Data bearings.parquet Model conv_lstm (64), attention, mlp" in text
    assert "Series 1,000 train, 100 validation, 30 test Time taken train 12.3 s, evaluate 0.5 s" in text
    assert "Command limelight train experiment.json Seed 0" in text


def test_where_the_attention_went_is_said_in_a_sentence(make_facts):
    text = Reader(render_page(make_facts())).text
    assert "fell inside the true interval (spread evenly it would be 2" in text
    assert "of the 15 series whose interval is known" in text


@pytest.mark.parametrize("width", [1, 3])
def test_hostile_names_are_shown_and_never_run(tmp_path, width, make_facts):
    facts = make_facts(
        classes=(HOSTILE, "ok"),
        width=width,
        ids=[f"{HOSTILE}{row}" for row in range(30)],
        channels=[f"{HOSTILE}{channel}" for channel in range(width)],
        title=HOSTILE,
        asked={HOSTILE: HOSTILE},
        warnings=[HOSTILE],
        reproduce={HOSTILE: HOSTILE},
        sharp=0.5,
    )
    written = write_report(tmp_path, facts)
    page = written.read_text(encoding="utf-8")
    reader = Reader(page)
    assert "script" not in reader.tags
    assert "<script" not in page
    assert f"Taken for {HOSTILE}" in reader.text
    for picture in pictures(page):
        assert "<script" not in picture
        assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert (written.parent / "attention_script_alert_1_script.png").is_file()


def test_a_model_without_attention_has_a_page_too(make_facts):
    text = Reader(render_page(make_facts(attention=False))).text
    assert "This model has no attention to show" in text
    assert "fell inside" not in text


def test_series_without_known_intervals_have_no_sentence_about_them(make_facts):
    text = Reader(render_page(make_facts(intervals=False))).text
    assert "true interval" not in text


def test_many_classes_and_channels_fit_on_the_page(tmp_path, make_facts):
    classes = [f"class {code:02d}" for code in range(30)]
    page = write_report(tmp_path, make_facts(120, classes, width=4, sharp=4.0))
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "The 12 commonest classes are shown, 18 are left out." in text
    assert len(list(page.parent.glob("*.png"))) <= 12


def test_a_history_without_validation_has_one_curve(make_facts):
    facts = make_facts(history=[{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": float("nan")}])
    text = Reader(render_page(facts)).text
    assert "2 epochs. Loss" in text
    assert "Validation F1" not in text


def test_a_run_without_history_says_so(make_facts):
    assert "There is no history of the training." in Reader(render_page(make_facts(history=[]))).text


def test_a_class_never_recognised_is_said_and_has_no_picture(tmp_path, make_facts):
    facts = make_facts(sharp=-20.0)
    page = write_report(tmp_path, facts)
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "No series of class fault was classified correctly." in text
    assert [file.name for file in page.parent.iterdir()] == ["index.html"]
    assert "This is no better than a rule without a model" in text


def test_a_run_without_mistakes_says_so(make_facts):
    assert "No series was classified wrongly." in Reader(render_page(make_facts(sharp=20.0))).text


def test_a_score_that_is_not_defined_is_a_dash_with_its_reason(make_facts):
    facts = make_facts(n=1)
    text = Reader(render_page(facts)).text
    assert "how well the classes are ranked \N{EN DASH} baseline \N{EN DASH}" in text
    assert "the ROC AUC needs series of every class, and there are none of class 'ok'." in text


def test_the_most_confident_mistakes_come_first(make_facts):
    facts = make_facts(200, sharp=0.3)
    wrong = choose_series(facts).wrong
    sureness = facts.prediction.probabilities.max(axis=1)[facts.prediction.labels != facts.labels]
    assert [answer.probability for answer in wrong] == sorted(sureness, reverse=True)[:6]


def test_the_least_certain_answers_come_first(make_facts):
    facts = make_facts(200, ("a", "b", "c"))
    best = np.sort(facts.prediction.probabilities, axis=1)
    margins = np.sort(best[:, -1] - best[:, -2])[:8]
    chosen = [answer.probability - answer.probability_second for answer in choose_series(facts).uncertain]
    assert chosen == pytest.approx(margins)


def test_the_verdict_counts_correct_series():
    metrics = {"test": {"n": 2000, "accuracy": 0.75}, "baseline": {"accuracy": 0.75}}
    assert verdict(metrics) == (
        "1,500 of 2,000 series were classified correctly (75.0 %). This is no better than a rule without a model: "
        "always giving the commonest label would get 75.0 % right."
    )


def test_file_names_stay_apart_on_every_system():
    names = picture_names(["a/b", "A_B", "..", "", "日本"])
    assert list(names.values()) == [
        "attention_a_b.png",
        "attention_A_B_2.png",
        "attention_class.png",
        "attention_class_2.png",
        "attention_日本.png",
    ]


def test_an_old_report_is_replaced_as_a_whole(tmp_path, make_facts):
    old = tmp_path / "report" / "attention_old.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    write_report(tmp_path, make_facts())
    assert not old.exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path, make_facts):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "report"
    sentence = f"cannot write {str(place)!r}: File exists; choose another place or make room there"
    with pytest.raises(OutputError, match=f"^{re.escape(sentence)}$"):
        write_report(tmp_path / "file", make_facts())


def test_series_without_labels_are_our_mistake(make_facts):
    facts = make_facts()
    facts.panel.labels = None
    with pytest.raises(InternalError, match=r"^a report was asked for about series without labels$"):
        render_page(facts)


def test_two_thousand_series_are_rendered_quickly(make_facts):
    facts = make_facts(2000)
    started = time.process_time()
    render_page(facts)
    assert time.process_time() - started < 5.0  # measured 0.5 s on one free core; slow machines get their room
