"""The analysis names tiers by whole words, tasks by what is asked, and survives anything."""

import unicodedata
from itertools import chain

import pytest

from router.tasks import phrases
from router.tasks.analysis import LONG_TEXT_CHARS, TASK_ORDER, analyse
from router.tasks.phrase_matcher import PhraseMatcher, spell
from schemas.vocabulary import Task, Tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("Analyse our churn", Tier.REASONING),
        ("Analyzing the logs took a day", Tier.REASONING),
        ("REVIEW: this patch!", Tier.REASONING),
        ("I am calculating my taxes", Tier.REASONING),
        ("A quick question", Tier.FAST),
        ("Summarised, please", Tier.FAST),
        ("Translate 'hello'", Tier.FAST),
        ("Send the batch", Tier.BALANCED),
        ("Draw a cat", Tier.POWERFUL),
        ("Phân tích doanh thu quý này", Tier.REASONING),
        ("Hãy so sánh hai phương án", Tier.REASONING),
        ("Giải phương trình x + 1 = 2", Tier.REASONING),
        ("Tính 15% của 80", Tier.REASONING),
        ("Tóm tắt đoạn sau", Tier.FAST),
        ("Dịch câu này", Tier.FAST),
        ("Trả lời nhanh: mấy giờ rồi", Tier.FAST),
        ("Xử lý hàng loạt", Tier.BALANCED),
        ("Erkläre den Unterschied", Tier.REASONING),
        ("请翻译这句话", Tier.FAST),
        ("이 글을 요약해 주세요", Tier.FAST),
        ("この二つを比較して", Tier.REASONING),
    ],
)
def test_a_word_in_any_inflection_and_language_names_the_tier(text: str, tier: Tier) -> None:
    assert analyse(text).tier is tier


@pytest.mark.parametrize(
    "text",
    [
        "Something nice",
        "Listen to the playlist",
        "A reasonable price",
        "Information and formation",
        "Rethinking calculus",
        "Preview and reviewer",
        "My pension and my resume",
        "Dịch vụ giao dịch của ngân hàng",
        "Đi du lịch mùa dịch bệnh",
        "Máy tính có nhiều tính năng",
        "Giải trí cuối tuần và giải thưởng",
        "Xe này chạy nhanh hơn xe kia",
        "我的计算机坏了",
    ],
)
def test_a_word_inside_another_names_no_tier(text: str) -> None:
    assert analyse(text).tier is Tier.POWERFUL


def test_reasoning_comes_before_fast_before_length_before_powerful() -> None:
    filler = "lorem ipsum " * 500
    assert analyse("Explain this list in batch").tier is Tier.REASONING
    assert analyse("List the batch").tier is Tier.FAST
    assert analyse(f"{filler} explain").tier is Tier.REASONING
    assert analyse(f"{filler} list").tier is Tier.FAST
    assert analyse("x" * LONG_TEXT_CHARS).tier is Tier.POWERFUL
    assert analyse("x" * (LONG_TEXT_CHARS + 1)).tier is Tier.BALANCED


def test_cutting_a_long_text_makes_no_word_out_of_half_a_word() -> None:
    for shift in range(40):
        assert analyse("a" * shift + " listening relisted" * 1_000).tier is Tier.BALANCED


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
    assert analyse(text).tier is Tier.POWERFUL


def test_a_question_in_a_language_without_tables_is_a_question() -> None:
    assert analyse("Где находится библиотека?").task is Task.QA


@pytest.mark.parametrize(
    "variant", ["who are you?", "WHO ARE YOU", "  who\u00a0are\n\nyou ?! ", "«Who, are you…»", "who\x00are\tyou"]
)
def test_case_punctuation_and_space_never_matter(variant: str) -> None:
    assert analyse(variant) == analyse("who are you")


@pytest.mark.parametrize("text", ["Phân tích bảng lương", "Viết lại câu này", "Giải thích vì sao trời mưa"])
def test_vietnamese_is_the_same_composed_decomposed_and_without_diacritics(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("đ", "d")
    assert analyse(decomposed) == analyse(text)
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
    assert analyse(text).tier is Tier.BALANCED


def test_lone_surrogates_are_text_like_any_other() -> None:
    assert analyse("\ud800 explain \udfff").tier is Tier.REASONING


def test_the_reason_quotes_our_tables_and_nothing_else() -> None:
    assert analyse("Compare Jane Doe with übersetzungsbüro 4711").reason == (
        "word 'compare' asks for reasoning; 'übersetz' says translation"
    )


def test_no_phrase_is_called_innocent_and_meant() -> None:
    tasks = PhraseMatcher((table, task) for tables in _TASK_TABLES for task, table in tables.items())
    tiers = PhraseMatcher((table, tier) for tier, table in phrases.TIERS.items())
    assert not tasks.meanings.keys() & PhraseMatcher([(phrases.TASK_INNOCENTS, None)]).meanings.keys()
    assert not tiers.meanings.keys() & PhraseMatcher([(phrases.TIER_INNOCENTS, None)]).meanings.keys()


@pytest.mark.parametrize("tables", [phrases.TIERS, phrases.COMMANDS, phrases.SUBJECTS, phrases.HINTS])
def test_no_phrase_of_one_strength_has_two_meanings(tables: dict[Task | Tier, str]) -> None:
    phrases = list(chain.from_iterable(PhraseMatcher([(table, name)]).meanings for name, table in tables.items()))
    assert len(phrases) == len(set(phrases))


def test_every_task_has_its_place_in_the_order() -> None:
    assert sorted(TASK_ORDER) == sorted(set(Task) - {Task.UNKNOWN})


def test_every_task_has_words_in_every_language() -> None:
    for task in set(Task) - {Task.UNKNOWN}:
        for language in ("en", "vi", "de", "fr", "es", "it", "zh", "ja", "ko"):
            assert any(f" {language}: " in tables.get(task, "") for tables in _TASK_TABLES), (task, language)


def test_the_longest_phrase_at_a_place_hides_the_shorter() -> None:
    matcher = PhraseMatcher([("en: list, list price, pri*\n zh: 计算, 计算机", "found")])
    assert [phrase.strip() for phrase, _, _ in matcher.find(spell("The LIST-price, private list; 用计算机计算"))] == [
        *("list price", "pri", "list"),
        *("计算机", "计算"),
    ]


_TASK_TABLES = (phrases.COMMANDS, phrases.SUBJECTS, phrases.HINTS)
