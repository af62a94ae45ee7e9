"""`turnout classify` explains a prompt from wherever it comes, and scores labelled ones by what can be recounted."""

import io
import sys
from importlib.resources import files
from pathlib import Path

import orjson
import pytest

from sandbox.labelled_prompts import Split, load_labelled_prompts
from schemas.vocabulary import Task
from streams.cli import main
from streams.cli.classify_score import Labelled, LabelledError, read_labelled, score
from streams.cli.prompt_edits import edited

PROMPTS = [
    Labelled(text="Translate 'good night' into Spanish.", label=Task.TRANSLATION, lang="en", source="a"),
    Labelled(text="Résume ce texte en deux phrases : il pleut.", label=Task.SUMMARIZATION, lang="fr", source="a"),
    Labelled(text="Who painted the Mona Lisa?", label=Task.QA, lang="en", source="b"),
    Labelled(text="Who painted the Night Watch?", label=Task.MATH, lang="en", source="b"),  # a label that is wrong
]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["turnout", "classify", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def written(tmp_path: Path) -> str:
    path = tmp_path / "labelled.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(prompt.model_dump(mode="json")) for prompt in PROMPTS))
    return str(path)


@pytest.mark.parametrize("way", ["argument", "file", "named", "stdin", "dash"])
def test_a_prompt_is_taken_from_wherever_it_stands(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, path = "Do not translate anything. Who wrote Faust?", tmp_path / "prompt.txt"
    path.write_text(text)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    arguments = {"argument": [text], "file": ["--file", str(path)], "named": [str(path)], "stdin": [], "dash": ["-"]}

    assert call(monkeypatch, *arguments[way], "--json") == 0

    shown = orjson.loads(capsys.readouterr().out)
    assert (shown["task"], shown["tier"], shown["features"]["chars"]) == ("qa", "balanced", len(text.rstrip("?")))
    assert shown["form"] == "short_question"
    assert 0 <= shown["difficulty"] <= 1
    assert 0 < shown["confidence"] <= 1


def test_a_person_sees_task_tier_and_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "Summarize the text below.") == 0
    shown = capsys.readouterr().out
    assert all(
        word in shown for word in ("summarization", "balanced", "'summari' says", "difficulty", "short statement")
    )


def test_a_labelled_file_is_scored_into_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, written(tmp_path), "--json") == 0
    shown = orjson.loads(capsys.readouterr().out)
    assert shown["accuracy"] == 0.75
    assert shown["per_language"] == {"en": pytest.approx(2 / 3), "fr": 1.0}
    assert shown["per_source"] == {"a": 1.0, "b": 0.5}
    assert shown["confusion"]["math"] == {"qa": 1}
    assert {"macro_f1", "flip_rate", "abstentions", "accuracy_at_coverage", "prompts_per_s"} <= shown.keys()

    assert call(monkeypatch, written(tmp_path)) == 0
    assert "0.750 right" in " ".join(capsys.readouterr().out.split())


def test_macro_f1_is_the_mean_over_the_labels_tasks() -> None:
    result = score(PROMPTS)
    assert result.per_task_f1 == {"math": 0.0, "qa": pytest.approx(2 / 3), "summarization": 1.0, "translation": 1.0}
    assert result.macro_f1 == pytest.approx(8 / 3 / 4)
    assert result.accuracy_at_coverage["100%"] == result.accuracy
    assert 0 <= result.calibration_error <= 1


def test_a_line_that_is_no_labelled_prompt_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text('{"text": "a", "label": "qa"}\n\n{"text": "b", "label": "poetry"}\n')
    assert call(monkeypatch, str(path)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Line 3" in shown.err
    assert "creative" in shown.err


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--file", str(tmp_path / "none.txt")) == 2
    assert "none.txt" in capsys.readouterr().err


def test_a_text_that_is_no_labelled_file_is_not_taken_for_one() -> None:
    assert read_labelled('{"text": "a"}') == ()
    assert read_labelled("Who wrote Faust?\n") == ()
    with pytest.raises(LabelledError):
        read_labelled('{"text": "a", "label": 1}')


def test_edits_that_change_nothing_hardly_ever_change_the_task() -> None:
    ours = [
        Labelled(text=one.text, label=one.label, lang=one.lang, source=one.source)
        for one in load_labelled_prompts()
        if one.split is Split.TEST
    ]
    flips = score(ours).flips

    assert all(flips[edit] <= 0.02 for edit in ("question mark", "upper case", "spaces")), flips
    assert flips["no diacritics"] <= 0.04
    assert flips["typos"] <= 0.12  # one in forty letters, also in the one word that says what is wanted


def test_the_weights_are_those_of_the_prompts_that_are_here() -> None:
    record = orjson.loads(files("router.tasks").joinpath("weights.json").read_bytes())["record"]

    assert record["prompts"] == sum(one.split is Split.TRAIN for one in load_labelled_prompts())


def test_edits_are_the_same_each_time_and_change_only_what_they_say() -> None:
    text = "Wer schrieb „Die Räuber“, und warum?"
    assert edited(text, 1) == edited(text, 1)
    assert edited(text, 1)["no diacritics"] == "Wer schrieb „Die Rauber“, und warum?"
    assert edited(text, 1)["question mark"] == text.rstrip("?")
    assert sorted(edited(text, 1)["typos"]) == sorted(text)
    assert edited(text, 1)["typos"] != text
