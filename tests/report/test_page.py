"""The page of a run: safe, complete, linked and reproducible."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from limelight.errors import OutputError
from limelight.report.content import collect
from limelight.report.page import picture_names, render_page, write_report

KINDS = ["series", "labels", "steps", "labels of steps"]
HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags, ids, links, scripts and words of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.scripts, self.words, self.types = [], [], [], [], [], []
        self.handlers = []
        self.inside = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        self.handlers += [name for name in attributes if name.startswith("on")]
        self.scripts += (
            [attributes.get("src", "")] if tag == "script" and attributes.get("type") != "application/json" else []
        )
        self.inside = attributes.get("type", "script") if tag == "script" else "style" if tag == "style" else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.words.append(data)
        elif self.inside == "application/json":
            self.types.append(json.loads(data))

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())


def page_of(inputs):
    return Reader(render_page(collect(inputs)))


def test_the_report_folder_has_page_plotly_and_figures(tmp_path, make_inputs):
    page = write_report(tmp_path, make_inputs())
    assert page == tmp_path / "report" / "index.html"
    assert sorted(file.name for file in page.parent.iterdir()) == [
        "attention_fault.png",
        "attention_ok.png",
        "index.html",
        "plotly.min.js",
    ]
    assert (page.parent / "attention_ok.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", KINDS)
def test_every_link_has_a_target_on_the_page(make_inputs, kind):
    page = page_of(make_inputs(30, ("a", "b", "c"), kind=kind, extras=True))
    assert {link for link in page.links if link.startswith("#")} <= {f"#{name}" for name in page.ids}
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("#", "data:")) for link in page.links)


def test_sections_come_in_this_order(make_inputs):
    page = page_of(make_inputs(30, ("a", "b", "c"), kind="steps", extras=True))
    assert [name for name in page.ids if not name.startswith("series-")] == [
        "scores", "confusion", "find", "series", "classes", "groups", "events", "curves", "decision", "metadata",
        "explanations", "learning", "setup", "warnings", "reproduce",
    ]  # fmt: skip


def test_scripts_come_from_beside_the_page_or_are_ours(make_inputs):
    page = render_page(collect(make_inputs()))
    assert Reader(page).scripts == ["plotly.min.js", ""]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    (own,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_equal_inputs_give_equal_bytes(tmp_path, make_inputs):
    first, second = (write_report(tmp_path / name, make_inputs(extras=True)).parent for name in ("a", "b"))
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_scores_are_shown_beside_the_baseline(make_inputs):
    inputs = make_inputs(sharp=0.8)
    accuracy, (low, high) = inputs.metrics["test"]["accuracy"], inputs.metrics["test"]["intervals"]["accuracy"]
    assert (
        f"share of correct predictions {accuracy:.3f} 95 %: {low:.3f} to {high:.3f} baseline 0.500"
        in page_of(inputs).text
    )


def test_the_page_states_data_model_command_and_seed(make_inputs):
    text = page_of(make_inputs()).text
    assert "Data bearings.parquet Model conv_lstm (64), attention, mlp" in text
    assert "Command limelight train experiment.json Seed 0" in text


def test_measurements_are_described_in_sentences(make_inputs):
    text = page_of(make_inputs(60, ("a", "b", "c"), kind="steps", extras=True)).text
    for sentence in (
        "5 epochs; the weights of epoch 3 were kept; all epochs done; train 12.3 s, evaluate 0.5 s.",
        "At a target coverage of 80 %, the measured coverage is",
        "A predicted and a true event match if their intersection over union (IoU) is at least 50 %.",
        "If place made no difference, the lowest would be this low in",
        "place \N{MINUS SIGN}0.010 ± 0.020",
        "Trust gradients most for this model.",
        "gradients 0.300 0.800 0.200 ± 0.010 75 %",
    ):
        assert sentence in text


def test_thresholds_are_described_with_their_effect(make_inputs):
    text = page_of(make_inputs(60, kind="labels", extras=True, sharp=1.0)).text
    assert "Chosen for the best F1 on held-out series" in text
    assert re.search(r"fault 0\.\d+ 0\.\d{3} → 0\.\d{3}", text)


def test_localisation_of_attention_is_described(make_inputs):
    text = page_of(make_inputs()).text
    assert "falls inside the true interval (2" in text
    assert "of the 15 series with a known interval" in text


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_shown_and_not_executed(tmp_path, kind, make_inputs):
    inputs = make_inputs(
        classes=(HOSTILE, "ok", "</style>"),
        kind=kind,
        width=2,
        ids=[f"{HOSTILE}{row}" for row in range(30)],
        channels=[f"{HOSTILE}{channel}" for channel in range(2)],
        units={f"{HOSTILE}0": HOSTILE, "time": HOSTILE},
        title=HOSTILE,
        setup={HOSTILE: HOSTILE},
        warnings=[HOSTILE],
        notes=[HOSTILE],
        reproduce={HOSTILE: HOSTILE},
        sharp=0.5,
        extras=True,
    )
    written = write_report(tmp_path, inputs)
    page = written.read_text(encoding="utf-8")
    reader = Reader(page)
    assert reader.scripts == ["plotly.min.js", ""]
    assert reader.text.count(HOSTILE) > 10
    assert "<script>alert" not in page
    assert "</style>" not in page.split("</head>")[1].replace("{ display: block !important; }</style>", "")
    assert len(reader.types) > 8
    if kind == "series":
        assert (written.parent / "attention_script_alert_1_script.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "</script><img src=x>",
        "{{ 7 * 7 }}",
        "a\u2028b",
    ],
)
def test_hostile_names_add_no_tags_or_attributes(name, make_inputs):
    inputs = make_inputs(classes=(name, "ok"), ids=[f"{name}{row}" for row in range(30)], title=name, warnings=[name])
    page = render_page(collect(inputs))
    plain = render_page(collect(make_inputs(classes=("worn", "ok"), title="worn", warnings=["worn"])))
    assert Reader(page).tags == Reader(plain).tags
    assert Reader(page).handlers == []
    assert "49" not in Reader(page).text.split("limelight report")[0]


def test_a_model_without_explanations_has_a_page(make_inputs):
    text = page_of(make_inputs(attention=False)).text
    assert "No explanation is available." in text
    assert "falls inside" not in text


def test_series_without_known_intervals_have_no_sentence_about_them(make_inputs):
    text = page_of(make_inputs(known=False)).text
    assert "true interval" not in text


def test_many_classes_and_channels_fit_on_the_page(tmp_path, make_inputs):
    classes = [f"class {code:02d}" for code in range(30)]
    page = write_report(tmp_path, make_inputs(120, classes, width=4, sharp=4.0))
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "The 12 most frequent classes are shown; 18 are not." in text
    assert len(list(page.parent.glob("*.png"))) <= 12


def test_a_history_without_validation_has_one_curve(make_inputs):
    inputs = make_inputs(history=[{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": float("nan")}])
    text = page_of(inputs).text
    assert "2 epochs; train 12.3 s, evaluate 0.5 s. Loss" in text
    assert "Validation F1" not in text


def test_a_missing_history_is_stated(make_inputs):
    assert "No training history was recorded." in page_of(make_inputs(history=[])).text


def test_a_closed_form_head_has_no_learning_curve(make_inputs):
    inputs = make_inputs(history=[])
    inputs.metrics["training"] = {"best_epoch": 0, "stopped": "solved"}
    text = page_of(inputs).text
    assert "The head was fitted in closed form, without epochs, so there is no learning curve; train 12.3 s" in text
    assert "No training history" not in text


def test_a_class_never_predicted_correctly_is_named(tmp_path, make_inputs):
    inputs = make_inputs(sharp=-20.0)
    page = write_report(tmp_path, inputs)
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "fault was never predicted correctly." in text
    assert sorted(file.name for file in page.parent.iterdir()) == ["index.html", "plotly.min.js"]
    assert "Is it better than guessing? No Always predicting the most frequent class" in text


def test_a_run_without_mistakes_is_described(make_inputs):
    assert "No prediction was wrong." in page_of(make_inputs(sharp=20.0)).text


def test_an_undefined_score_is_a_dash_with_its_reason(make_inputs):
    inputs = make_inputs(n=1)
    text = page_of(inputs).text
    assert "how well probabilities rank the classes \N{EN DASH} baseline \N{EN DASH}" in text
    assert "ROC AUC is undefined without series of class 'ok'." in text


def test_file_names_are_distinct_on_every_system():
    names = picture_names(["a/b", "A_B", "..", "", "日本"])
    assert list(names.values()) == [
        "attention_a_b.png",
        "attention_A_B_2.png",
        "attention_class.png",
        "attention_class_2.png",
        "attention_日本.png",
    ]


def test_an_old_report_is_replaced_as_a_whole(tmp_path, make_inputs):
    old = tmp_path / "report" / "attention_old.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    write_report(tmp_path, make_inputs())
    assert not old.exists()


def test_an_unwritable_output_folder_is_refused(tmp_path, make_inputs):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "report"
    sentence = f"cannot write {str(place)!r}: File exists; choose another path, or free some space"
    with pytest.raises(OutputError, match=f"^{re.escape(sentence)}$"):
        write_report(tmp_path / "file", make_inputs())


def test_ten_thousand_series_make_a_small_page(make_inputs):
    assert len(render_page(collect(make_inputs(10_000)))) < 300_000
