"""Rows compared with one another and with other files: against naive sets of n-grams."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Message, Task
from proctor.data.curation.contamination import Decontaminate, Prefixes, TooClose, Unused
from proctor.data.curation.duplicates import ExactDuplicates, NearDuplicates, answer_key, rows_a_band
from proctor.data.curation.words import WordHashes, grams, jaccard, shingles, words
from proctor.errors import ConfigError, TaskError
from tests.data.curation.frames import frame_of, run

TEXTS = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=9).map(" ".join), max_size=8)
STORY = "the old baker of the town sells three loaves and seven rolls before noon and four cakes after it"


def naive_grams(text: str, n: int) -> list[tuple[str, ...]]:
    said = words(text)
    return [tuple(said[start : start + n]) for start in range(len(said) - n + 1)]


def naive_shingles(text: str, n: int) -> frozenset[tuple[str, ...]]:
    return frozenset(naive_grams(text, n) or [tuple(words(text))])


def naive_jaccard(one: str, other: str, n: int) -> float:
    a, b = naive_shingles(one, n), naive_shingles(other, n)
    return len(a & b) / len(a | b)


def test_punctuation_layout_and_case_make_no_difference_but_signs_do() -> None:
    assert words("What's  $3+4$?\n") == ["what", "s", "3", "+", "4"]
    assert words("３ ＋ 4") == words("3+4")
    assert words("3 - 4") != words("3 + 4")


@given(texts=TEXTS, n=st.integers(1, 4))
def test_hashes_are_equal_where_the_n_grams_are(texts: list[str], n: int) -> None:
    hashed = WordHashes().ragged(texts)
    found = grams(hashed, n)
    expected = [naive_grams(text, n) for text in texts]
    assert found.lengths.tolist() == [len(row) for row in expected]
    flat = [gram for row in expected for gram in row]
    assert len(set(found.values.tolist())) == len(set(flat))
    assert len(set(zip(found.values.tolist(), flat, strict=True))) == len(set(flat))
    assert shingles(hashed, n).lengths.tolist() == [len(naive_shingles(text, n)) for text in texts]


@given(texts=TEXTS, n=st.integers(1, 3))
def test_the_similarity_is_jaccards(texts: list[str], n: int) -> None:
    sets = shingles(WordHashes().ragged(texts), n)
    for one, other in combinations(range(len(texts)), 2):
        assert jaccard(sets.row(one), sets.row(other)) == pytest.approx(naive_jaccard(texts[one], texts[other], n))


@given(known=TEXTS.filter(bool), asked=TEXTS, n=st.integers(1, 3), threshold=st.sampled_from([0.2, 0.5, 0.75, 1.0]))
def test_the_prefix_filter_misses_nothing(known: list[str], asked: list[str], n: int, threshold: float) -> None:
    hasher = WordHashes()
    found = Prefixes.of(shingles(hasher.ragged(known), n), threshold).nearest(shingles(hasher.ragged(asked), n))
    best = {index: max(naive_jaccard(text, reference, n) for reference in known) for index, text in enumerate(asked)}
    assert {index: share for index, (share, _) in found.items()} == pytest.approx({index: share for index, share in best.items() if share >= threshold})
    assert all(naive_jaccard(asked[index], known[reference], n) == pytest.approx(share) for index, (share, reference) in found.items())


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95])
def test_bands_find_ninety_nine_of_a_hundred_at_the_threshold(threshold: float) -> None:
    def recall(rows: int) -> float:
        return 1 - (1 - threshold**rows) ** (128 // rows)

    rows = rows_a_band(threshold, 128)
    assert recall(rows) >= 0.99 > recall(rows + 1)


def test_exact_duplicates_keep_the_first(tmp_path: Path) -> None:
    rows = ["one", "two", " one\n", "two", "One"]
    removed, _ = run(ExactDuplicates(), frame_of(tmp_path, rows), tmp_path)
    assert {row: removal.other for row, removal in removed.items()} == {2: 0, 3: 1}


def test_conversations_are_compared_whole(tmp_path: Path) -> None:
    said = [(Message("system", system), Message("user", "hi")) for system in ("a", "b", "a")]
    removed, _ = run(ExactDuplicates(), frame_of(tmp_path, [Task(str(index), prompt, "1") for index, prompt in enumerate(said)]), tmp_path)
    assert [*removed] == [2]


@pytest.mark.parametrize(("drops", "gone"), [(True, {0, 1, 2}), (False, {1, 2})])
def test_duplicates_that_disagree_are_dropped_altogether(tmp_path: Path, drops: bool, gone: set[int]) -> None:
    rows = [Task("a", "p", "1"), Task("b", "p", "2"), Task("c", "p", "1"), Task("d", "q", "1")]
    removed, _ = run(ExactDuplicates(drops_conflicting=drops), frame_of(tmp_path, rows), tmp_path)
    assert {*removed} == gone


def test_an_answer_is_the_same_in_every_spelling_of_a_number(tmp_path: Path) -> None:
    agreeing = ["4", 4, "4.0", " 4 ", "2+2 is\n#### 4", 4.0]
    rows = [Task(str(index), "p", answer) for index, answer in enumerate([*agreeing, "1,000", 1000])]
    rows[-2:] = [Task("x", "q", "\\frac{1}{2}"), Task("y", "q", "1/2")]
    rows += [Task("z", "r", "4"), Task("zz", "r", "four")]
    removed, _ = run(ExactDuplicates(), frame_of(tmp_path, rows), tmp_path)
    assert {*removed} == {1, 2, 3, 4, 5, 7, 8, 9}  # the last two differ as texts, and both go
    assert answer_key("1,000") == answer_key(1000) != answer_key("1/0")
    assert answer_key("-1,234,567.5") == answer_key("-1234567.5")
    assert answer_key("1,2") != answer_key("12") and answer_key("3,14") != answer_key("314") and answer_key("1,00") != answer_key("100")


def test_near_duplicates_are_found_and_named(tmp_path: Path) -> None:
    pytest.importorskip("rensa")
    other = "a completely different problem about trains that leave two stations at the same time in the morning"
    rows = [STORY, other, STORY.replace("three", "five"), STORY.upper() + "!", other + " today", "short", "short", "brief"]
    removed, _ = run(NearDuplicates(threshold=0.6), frame_of(tmp_path, rows), tmp_path)
    assert {row: removal.other for row, removal in removed.items()} == {2: 0, 3: 0, 4: 1, 6: 5}


@given(
    rows=st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), min_size=4, max_size=9).map(" ".join), min_size=1, max_size=12),
    seed=st.integers(0, 3),
)
def test_what_near_duplicates_removes_repeats_an_earlier_row(tmp_path_factory: pytest.TempPathFactory, rows: list[str], seed: int) -> None:
    pytest.importorskip("rensa")
    directory = tmp_path_factory.mktemp("near")
    removed, _ = run(NearDuplicates(threshold=0.5, n=2), frame_of(directory, rows), directory, seed=seed)
    for row, removal in removed.items():
        assert removal.other is not None
        assert removal.other < row
        assert naive_jaccard(rows[row], rows[removal.other], 2) >= 0.5


def evaluation(directory: Path, *prompts: str, name: str = "test.jsonl") -> str:
    path = directory / name
    path.write_text("".join(json.dumps({"question": prompt, "answer": "1"}) + "\n" for prompt in prompts))
    return str(path)


def test_a_shared_passage_is_contamination(tmp_path: Path) -> None:
    file = evaluation(tmp_path, "irrelevant words", STORY)
    passage = " ".join(STORY.split()[2:15])
    rows = [f"Well: {passage.upper()}!", " ".join(STORY.split()[2:14]), "nothing of the kind", STORY]
    removed, _ = run(Decontaminate((file,)), frame_of(tmp_path, rows), tmp_path)
    assert {row: removal.detail for row, removal in removed.items()} == {0: f"{file}:2", 3: f"{file}:2"}


def test_short_evaluation_prompts_count_whole(tmp_path: Path) -> None:
    file = evaluation(tmp_path, "what is 2+2", "how many prime numbers lie below one hundred")
    rows = ["What is 2 + 2?", "Tell me what is 2+2 please", "I ask how many prime numbers lie below one hundred here", "how many prime numbers lie"]
    removed, _ = run(Decontaminate((file,)), frame_of(tmp_path, rows), tmp_path)
    assert {*removed} == {0, 2}
    assert {*run(Decontaminate((file,), min_words=2), frame_of(tmp_path, rows), tmp_path)[0]} == {0, 1, 2}


LAYOUT = "Solve the following math problem step by step. The last line of your response should be of the form Answer: $Answer (without quotes). "
UNRELATED = ("How many legs have nine spiders?", "A shop sells pens at three euros. What do five cost?", "The sum of two numbers is ten. What is it?")


@pytest.mark.parametrize("one", [Decontaminate, TooClose])
def test_instructions_that_all_prompts_share_are_no_contamination(tmp_path: Path, one: type[Decontaminate] | type[TooClose]) -> None:
    questions = ("Find the area of a circle of radius six, please, in square metres.", STORY, "What is the third root of twenty-seven times eight?")
    files = (evaluation(tmp_path, *(LAYOUT + question for question in questions)),)
    removed, _ = run(one(files), frame_of(tmp_path, [*(LAYOUT + text for text in UNRELATED), LAYOUT + STORY, STORY]), tmp_path)
    assert [*removed] == [3, 4]


def test_a_short_question_in_a_long_layout_counts_whole(tmp_path: Path) -> None:
    files = (evaluation(tmp_path, *(LAYOUT + f"What is {number} + {number}?" for number in range(2, 9))),)
    rows = [LAYOUT + "What is 3 + 3?", LAYOUT + "What is 30 + 3?", "What is 3 + 3?"]
    assert [*run(Decontaminate(files), frame_of(tmp_path, rows), tmp_path)[0]] == [0]


def test_an_evaluation_of_one_prompt_many_times_still_finds_it(tmp_path: Path) -> None:
    files = (evaluation(tmp_path, *[STORY] * 5, "another question of its own with more than eight words in it"),)
    assert [*run(Decontaminate(files), frame_of(tmp_path, [STORY, "nothing"]), tmp_path)[0]] == [0]


def test_text_without_spaces_is_compared_by_characters(tmp_path: Path) -> None:
    problem = "小明有十二个苹果，他给了小红三个，又买了五个，现在他一共有多少个苹果？"
    changed = problem.replace("十二", "十三")
    assert words("你好 world ไทย") == ["你", "好", "world", "ไ", "ท", "ย"]
    files = (evaluation(tmp_path, problem),)
    rows = frame_of(tmp_path, ["请回答：" + problem + "谢谢", changed, "三角形的内角和是多少度？请说明理由并写出答案。"])
    assert [*run(Decontaminate(files), rows, tmp_path)[0]] == [0, 1]
    assert [*run(TooClose(files), rows, tmp_path)[0]] == [0, 1]
    assert [*run(NearDuplicates(), frame_of(tmp_path, [problem, problem + "？", changed, "三角形的内角和"]), tmp_path)[0]] == [1, 2]


def test_contamination_can_be_refused_with_the_rows(tmp_path: Path) -> None:
    file = evaluation(tmp_path, STORY)
    with pytest.raises(TaskError, match=r"7 rows share text") as caught:
        run(Decontaminate((file,), on_match="refuse"), frame_of(tmp_path, ["clean", *[STORY] * 7]), tmp_path)
    assert f"rows:2 and {file}:1" in str(caught.value)
    assert "and 2 more" in str(caught.value)
    removed, _ = run(Decontaminate((file,), on_match="refuse"), frame_of(tmp_path, ["clean"]), tmp_path)
    assert not removed


def test_a_rewritten_validation_task_is_too_close(tmp_path: Path) -> None:
    file = evaluation(tmp_path, "something else entirely", STORY)
    removed, _ = run(TooClose((file,)), frame_of(tmp_path, [STORY.replace("baker", "smith").replace("four", "six"), "unrelated"]), tmp_path)
    assert [*removed] == [0]
    assert removed[0].detail.endswith(f"{file}:2")


def test_what_was_used_before_goes(tmp_path: Path) -> None:
    file = evaluation(tmp_path, "Add 2 and 3.")
    removed, _ = run(Unused((file,)), frame_of(tmp_path, ["add 2 and 3", "add 2 and 3 and 4"]), tmp_path)
    assert [*removed] == [0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Decontaminate(()), "at least one file"),
        (lambda: Decontaminate(("a.txt",)), "allowed suffixes"),
        (lambda: Decontaminate(("a.jsonl",), n=5, min_words=6), "between 1 and n"),
        (lambda: Decontaminate(("a.jsonl",), on_match="ignore"), "Allowed: refuse, remove"),  # type: ignore[arg-type]
        (lambda: NearDuplicates(threshold=0), "greater than 0"),
        (lambda: NearDuplicates(num_perm=4), "between 16 and 1024"),
        (lambda: TooClose(("a.jsonl",), n=0), "n must be at least 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]


def test_a_missing_evaluation_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"nowhere\.jsonl does not exist"):
        run(Decontaminate((str(tmp_path / "nowhere.jsonl"),)), frame_of(tmp_path, ["x"]), tmp_path)
