"""The analysis names what is asked, says how hard and how sure that is, and survives anything."""

import time
import unicodedata
from itertools import chain

import pytest

from router.tasks import phrases
from router.tasks.analysis import EASY, HARD, TASK_ORDER, analyse, analyse_request, tier_for
from router.tasks.clues import COMMAND
from router.tasks.features import Features
from router.tasks.phrase_matcher import PhraseMatcher, spell
from router.tasks.tie_break import LIKELY, Verdict
from schemas.requests import ChatMessage, Request
from schemas.vocabulary import Form, Task, Tier

PUZZLE = (
    "Five runners: A is neither first nor last, B comes right after C, D is at least two places before E, and C is not "
    "second. Find every order that is possible, prove that there is no other, and say for each runner which places are "
    "left if A must not come before B unless D wins."
)


@pytest.mark.parametrize(
    ("task", "difficulty", "tier"),
    [
        (Task.CLASSIFICATION, 0.1, Tier.FAST),
        (Task.TRANSLATION, 0.1, Tier.FAST),
        (Task.CLASSIFICATION, 0.9, Tier.BALANCED),
        (Task.QA, 0.1, Tier.BALANCED),
        (Task.QA, 0.5, Tier.BALANCED),
        (Task.CODING, 0.5, Tier.BALANCED),
        (Task.CODING, 0.9, Tier.REASONING),
        (Task.MATH, 0.9, Tier.REASONING),
        (Task.CREATIVE, 0.9, Tier.POWERFUL),
        (Task.UNKNOWN, 0.0, Tier.BALANCED),
    ],
)
def test_the_tier_comes_from_task_and_difficulty(task: Task, difficulty: float, tier: Tier) -> None:
    assert tier_for(task, difficulty) is tier


@pytest.mark.parametrize(
    "text",
    [
        "Classify this review: the soup was cold and the waiter reviewed his phone",
        "I think you are great",
        "Keep your explanation clear. Is this positive or negative? 'Fine, I guess'",
    ],
)
def test_a_word_that_sounds_like_work_does_not_make_it_dear(text: str) -> None:
    assert analyse(text).tier in {Tier.FAST, Tier.BALANCED}


def test_a_harder_task_of_a_kind_is_called_harder() -> None:
    easy, medium, hard = (
        analyse(text).difficulty
        for text in (
            "What is 7 x 18?",
            "Two pipes fill a tank in 3 hours, one of them alone in 5. How long does the other take alone?",
            PUZZLE,
        )
    )
    assert easy < EASY < medium < hard
    assert hard > HARD


def test_what_is_pasted_makes_it_longer_and_not_harder() -> None:
    pasted = "The board met on Monday and heard that each shop had sold less than before. " * 60
    assert analyse(f"Summarize this in three bullet points:\n\n{pasted}").difficulty < HARD


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Do not translate anything. Who wrote Faust?", Task.QA),
        ("Don't summarize it, who is the author of this book?", Task.QA),
        ("Bitte nicht übersetzen: Wer schrieb den Faust?", Task.QA),
        ("Ne traduis pas, qui a écrit Faust ?", Task.QA),
        ("No traduzcas nada, ¿quién escribió Fausto?", Task.QA),
        ("Đừng dịch gì cả, ai viết truyện này?", Task.QA),
        ("不要翻译，谁写的《浮士德》？", Task.QA),  # noqa: RUF001  (Chinese punctuation)
        ("翻訳しないで、ファウストの作者は誰ですか", Task.QA),
        ("번역하지 말고 파우스트를 누가 썼는지 알려줘", Task.QA),
        ('My teacher wrote "summarize, do not translate" on it. What does she want?', Task.QA),
    ],
)
def test_what_is_negated_or_quoted_is_no_command(text: str, task: Task) -> None:
    assert analyse(text).task is task


@pytest.mark.parametrize(
    ("earlier", "last", "task"),
    [
        ("Translate into French: the bill, please", "and in Spanish?", Task.TRANSLATION),
        ("Write a poem about rain", "shorter", Task.CREATIVE),
        ("Write a poem about rain", "Now translate it into German", Task.TRANSLATION),
        ("Fasse diesen Text zusammen: Es regnete den ganzen Tag.", "kürzer bitte", Task.REWRITE),
    ],
)
def test_the_last_turn_counts_in_the_light_of_the_one_before(earlier: str, last: str, task: Task) -> None:
    turns = [("user", earlier), ("assistant", "Here you are."), ("user", last)]
    messages = tuple(ChatMessage(role=role, content=content) for role, content in turns)
    analysis = analyse_request(Request(messages=messages))
    assert analysis.task is task
    assert analysis.features.turns == 2


def test_conditions_are_counted_whatever_their_case() -> None:
    assert analyse("IF it rains, stay Unless I call; assume each has Parce Que ÉCHEC, нет").features.conditions == 5
    assert analyse("WENN es regnet, Ohne Schirm: 如果下雨, 每天").features.conditions == 4
    assert analyse("An iffy asunder, thane").features.conditions == 0


def test_tools_images_and_a_schema_are_seen() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ]
    request = Request(
        messages=(ChatMessage(role="user", content=parts),),
        tools=[{"type": "function", "function": {"name": "f"}}],
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    )
    seen = analyse_request(request).features
    assert (seen.images, seen.tools, seen.schema, seen.question) == (1, 1, True, True)


def test_in_other_languages_than_english_a_phrase_yields_to_a_likely_guess() -> None:
    english, other = (Verdict(Task.MATH, COMMAND, frozenset(), english=english) for english in (True, False))

    assert not english.yields_to(Task.QA, 0.99)
    assert other.yields_to(Task.QA, LIKELY + 0.01)
    assert not other.yields_to(Task.QA, LIKELY)


def test_the_name_of_an_error_is_code_whatever_the_language() -> None:
    assert analyse("Por que meu fatorial recursivo dá RecursionError com 2000?").task is Task.CODING
    assert analyse("What is the root of all terror?").task is Task.QA


def test_clear_words_are_surer_than_none() -> None:
    clear, unclear, nothing = (
        analyse(text).confidence for text in ("Summarize the text below.", "the lake at noon, maybe", "hello")
    )
    assert (clear > 0.9, unclear < 0.7, nothing) == (True, True, 0)


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Write a function that merges two sorted lists", Task.CODING),
        ("def area(r):\n    return 3 * r", Task.CODING),
        ("Why does this fail?\n```\nx = 1 / 0\n```", Task.CODING),
        ("Viết một hàm Python đảo ngược chuỗi", Task.CODING),
        ("用Python写一个排序程序", Task.CODING),
        ("파이썬으로 정렬 함수를 작성해 주세요", Task.CODING),
        ("Sam has 3 hens and buys 4 more. How many hens does he have?", Task.MATH),
        ("What is 12 * 7 = ?", Task.MATH),
        ("Lan có 12 quả cam, cho bạn 5 quả. Hỏi Lan còn bao nhiêu quả?", Task.MATH),
        ("小红有8本书，又买了5本，一共有多少本？", Task.MATH),  # noqa: RUF001  (Chinese punctuation)
        ("사과가 12개 있었는데 5개를 먹었습니다. 남은 사과는 몇 개입니까?", Task.MATH),
        (
            "All cats are mammals. Tom is a cat. Is the conclusion that Tom is a mammal valid or invalid?",
            Task.REASONING,
        ),
        ("Tiền đề: trời mưa. Giả thuyết: đường ướt. Giả thuyết có hợp lý không?", Task.REASONING),
        ("甲说乙在撒谎，乙说甲在撒谎。谁说的是真话？", Task.REASONING),  # noqa: RUF001  (Chinese punctuation)
        ("Give me the key points of this report", Task.SUMMARIZATION),
        ("Tóm tắt bài báo sau trong 3 câu", Task.SUMMARIZATION),
        ("概括这篇文章的主要内容", Task.SUMMARIZATION),
        ("다음 기사를 세 문장으로 요약해 주세요", Task.SUMMARIZATION),
        ("Résume ce texte en deux phrases", Task.SUMMARIZATION),
        ("Extract the dates as JSON", Task.EXTRACTION),
        ("Trích xuất tên người trong đoạn văn", Task.EXTRACTION),
        ("请提取文中的人名和地名", Task.EXTRACTION),
        ("How do you say 'thank you' in Korean?", Task.TRANSLATION),
        ("Chuyển câu này sang tiếng Nhật", Task.TRANSLATION),
        ("“谢谢”用英语怎么说？", Task.TRANSLATION),  # noqa: RUF001  (Chinese punctuation)
        ("Rephrase this so that it is more polite", Task.REWRITE),
        ("Sửa lỗi chính tả giúp tôi", Task.REWRITE),
        ("아래 글의 맞춤법을 교정해줘", Task.REWRITE),
        ("Is this review positive or negative?", Task.CLASSIFICATION),
        ("Bình luận này mang cảm xúc gì", Task.CLASSIFICATION),
        ("이 리뷰가 긍정인지 부정인지 알려줘", Task.CLASSIFICATION),
        ("Who painted the Mona Lisa", Task.QA),
        ("bạn là ai", Task.QA),
        ("¿Cuál es la capital de Perú?", Task.QA),
        ("光合成とは何ですか", Task.QA),
        ("Write a poem about rain", Task.CREATIVE),
        ("Hãy viết một bài thơ về mẹ", Task.CREATIVE),
        ("给我讲个故事", Task.CREATIVE),
        ("Schreib ein Gedicht über den Herbst", Task.CREATIVE),
    ],
)
def test_what_is_asked_names_the_task(text: str, task: Task) -> None:
    assert analyse(text).task is task


@pytest.mark.parametrize("text", ["", " \n\t", "hello", "qwer zxcv", "🙂🙂", "\x00\x1b[0m", "....", "12345"])
def test_without_a_sign_the_task_is_unknown(text: str) -> None:
    assert analyse(text).task is Task.UNKNOWN
    assert analyse(text).tier is Tier.BALANCED


def test_a_question_in_a_language_without_tables_is_a_question() -> None:
    assert analyse("Где находится библиотека?").task is Task.QA


@pytest.mark.parametrize(
    "variant", ["who are you?", "WHO ARE YOU", "  who\u00a0are\n\nyou ?! ", "«Who, are you…»", "who\x00are\tyou"]
)
def test_case_punctuation_and_space_never_matter(variant: str) -> None:
    said, plain = analyse(variant), analyse("who are you")
    assert (said.task, said.tier, said.reason[:20]) == (plain.task, plain.tier, plain.reason[:20])


@pytest.mark.parametrize("text", ["Phân tích bảng lương", "Viết lại câu này", "Giải thích vì sao trời mưa"])
def test_vietnamese_is_the_same_composed_decomposed_and_without_diacritics(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("đ", "d")
    assert analyse(decomposed).task is analyse(text).task
    assert (analyse(plain).task, analyse(plain).tier) == (analyse(text).task, analyse(text).tier)


@pytest.mark.parametrize("position", ["{command}\n\n{pasted}", "{pasted}\n\n{command}"])
def test_the_command_at_an_edge_outweighs_the_text_pasted_beside_it(position: str) -> None:
    pasted = "The board asked why the average price of each product fell by 3 percent and who wrote the report. " * 30
    assert analyse(position.format(command="Translate this into French.", pasted=pasted)).task is Task.TRANSLATION


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        "分" * 100_000,
        "a^ " * 50_000,
        "(" * 50_000,
        "$=" * 50_000,
        "def " * 50_000,
        "写一个" * 50_000,
        "1," * 50_000,
    ],
)
def test_hostile_text_is_answered(text: str) -> None:
    started_s = time.perf_counter()
    assert 0 <= analyse(text).difficulty <= 1
    # a thousand a second on a quiet core, with room for one that is busy
    assert time.perf_counter() - started_s < 0.1


def test_lone_surrogates_are_text_like_any_other() -> None:
    assert analyse("\ud800 translate it \udfff").task is Task.TRANSLATION


def test_the_reason_quotes_our_tables_and_nothing_else() -> None:
    assert analyse("Ask Jane Doe of übersetzungsbüro 4711").reason == "'ubersetz' says translation, difficulty 0.35"


def test_no_phrase_is_called_innocent_and_meant() -> None:
    tasks = PhraseMatcher((table, task) for tables in _TASK_TABLES for task, table in tables.items())
    assert not tasks.meanings.keys() & PhraseMatcher([(phrases.TASK_INNOCENTS, None)]).meanings.keys()


@pytest.mark.parametrize("tables", [phrases.COMMANDS, phrases.SUBJECTS, phrases.HINTS])
def test_no_phrase_of_one_strength_has_two_meanings(tables: dict[Task, str]) -> None:
    phrases = list(chain.from_iterable(PhraseMatcher([(table, name)]).meanings for name, table in tables.items()))
    assert len(phrases) == len(set(phrases))


def test_every_task_has_its_place_in_the_order() -> None:
    assert sorted(TASK_ORDER) == sorted(set(Task) - {Task.UNKNOWN})


def test_every_task_has_words_in_every_language() -> None:
    for task in set(Task) - {Task.UNKNOWN}:
        for language in ("en", "vi", "de", "fr", "es", "it", "pt", "id", "zh", "ja", "ko"):
            assert any(f" {language}: " in tables.get(task, "") for tables in _TASK_TABLES), (task, language)


def test_the_longest_phrase_at_a_place_hides_the_shorter() -> None:
    matcher = PhraseMatcher([("en: list, list price, pri*\n zh: 计算, 计算机", "found")])
    assert [phrase.strip() for phrase, _, _ in matcher.find(spell("The LIST-price, private list; 用计算机计算"))] == [
        *("list price", "pri", "list"),
        *("计算机", "计算"),
    ]


_TASK_TABLES = (phrases.COMMANDS, phrases.SUBJECTS, phrases.HINTS)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Who wrote Faust?", Form.SHORT_QUESTION),
        ("who wrote faust", Form.SHORT_STATEMENT),
        (
            "Who wrote Faust, and in which of its parts does the emperor appear for the first time?",
            Form.MEDIUM_QUESTION,
        ),
        ("The train is late. " * 14, Form.LONG_STATEMENT),
        ("The train is late. " * 60 + "Why?", Form.HUGE_QUESTION),
        ("Translate: the train is late.", Form.SHORT_MATERIAL),
        ("Summarize this:\n" + "The train is late. " * 60, Form.HUGE_MATERIAL),
        ("Which is a mammal?\nA) trout\nB) whale\nC) heron", Form.CHOICES),
        ("", Form.SHORT_STATEMENT),
    ],
)
def test_the_form_is_seen_from_outside(text: str, form: Form) -> None:
    assert analyse(text).features.form is form


def test_each_form_but_the_untold_one_is_some_prompts() -> None:
    seen = {
        Features(chars=chars, choices=choices, question=question, quoted=quoted).form
        for chars in (63, 64, 255, 256, 1023, 1024)
        for choices in (True, False)
        for question in (True, False)
        for quoted in (True, False)
    }
    assert seen == set(Form) - {Form.ANY}


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("{name, city, date}, null where unknown: Ann moved to Hue on 3 May.", Task.EXTRACTION),
        ("Isi {nama, kota}: Budi tinggal di Solo", Task.EXTRACTION),
        ("24 % von 350", Task.MATH),
        ("15% de 90", Task.MATH),
        ("the set {1, 2, 3}", Task.MATH),
    ],
)
def test_fields_to_fill_in_and_percentages_are_seen_in_any_language(text: str, task: Task) -> None:
    assert analyse(text).task is task
