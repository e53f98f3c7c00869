"""What makes a rollout or a step worth a look: each rule with its threshold, its reason, and when it is harmless.

A rule points; it does not judge. Rules over rollouts are SQL over a table `rollouts`, so that they can be counted over a million and
searched for (`flag = repeated_ngrams`); rules over steps are functions of a few numbers a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

_SHORT_FRACTION = 0.25
_REPEATED_SHARE = 0.5
_MIN_TOKENS_FOR_REPEATS = 24
_TOKENS_LOOKED_AT = 1024
_JUMP_WINDOW = 5
_JUMP_FACTOR = 5.0
_JUMP_SHARE_OF_RANGE = 0.1
_JUMP_MEMORY = 200
_EXPLOSION_WINDOW = 10
_EXPLOSION_FACTOR = 1.5

_SCRIPTS = (
    ("Latin", r"\p{Latin}{3}"),
    ("Cyrillic", r"\p{Cyrillic}{2}"),
    ("Chinese or Japanese", r"[\p{Han}\p{Hiragana}\p{Katakana}]"),
    ("Hangul", r"\p{Hangul}"),
    ("Arabic", r"\p{Arabic}{2}"),
    ("Hebrew", r"\p{Hebrew}{2}"),
    ("Devanagari", r"\p{Devanagari}{2}"),
    ("Thai", r"\p{Thai}{2}"),
)

IS_CORRECT = """(CASE
    WHEN len(list_filter(scores, lambda s: s.outcome IS NOT NULL)) > 0
        THEN list_contains(list_transform(scores, lambda s: s.outcome), 'CORRECT')
         AND len(list_filter(scores, lambda s: s.outcome IN ('INCORRECT', 'UNPARSED', 'ERROR'))) = 0
    ELSE reward > 0 END)"""
"""A rollout is correct when every verifier that gave a verdict said CORRECT; where none gives verdicts, when its reward is above 0."""


@dataclass(frozen=True, slots=True)
class RolloutRule:
    """A suspicion about single rollouts or groups.

    Attributes:
        name: as in `flag = name`.
        title: for people.
        rule: exactly what is flagged.
        meaning: why it may matter, and when it is harmless.
        sql: the condition on a row of `rollouts`.
        columns: of the rollout table that it reads; without them it cannot be looked for.
    """

    name: str
    title: str
    rule: str
    meaning: str
    sql: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class StepRule:
    """A suspicion about a whole step; `proctor.report.rules` finds the steps, the rollouts behind it are all of theirs."""

    name: str
    title: str
    rule: str
    meaning: str


_HIGH = """reward > 0 AND reward >= (SELECT min(r.reward) + 0.9 * (max(r.reward) - min(r.reward)) FROM rollouts r WHERE r.step = rollouts.step)"""
_FOREIGN = " OR ".join(f"(regexp_matches(text, '{pattern}') AND NOT regexp_matches(prompt_text, '{pattern}'))" for _, pattern in _SCRIPTS)
_IDS = f"token_ids[1:{_TOKENS_LOOKED_AT}]"
_NGRAM = "hash(token_ids[i], token_ids[i + 1], token_ids[i + 2], token_ids[i + 3])"
_NUM_NGRAMS = f"(least(len(token_ids), {_TOKENS_LOOKED_AT}) - 3)"

_RULES = (
    RolloutRule(
        "short_and_rewarded",
        "High reward, very short",
        f"The reward is in the top tenth of its step's range and the completion is shorter than {_SHORT_FRACTION:.0%} of the step's median.",
        "A shortcut past the reasoning often looks like this. Harmless where the answer alone is what the task asks for.",
        f"({_HIGH}) AND num_completion_tokens < {_SHORT_FRACTION} * (SELECT median(r.num_completion_tokens) FROM rollouts r WHERE r.step = rollouts.step)",
        frozenset({"reward", "num_completion_tokens"}),
    ),
    RolloutRule(
        "rewarded_truncated",
        "Rewarded though cut off",
        "The completion hit the length limit and the reward is in the top tenth of its step's range.",
        "The verifier accepted an answer that was never finished: a number on the way may have matched by chance.",
        f"status = 'truncated' AND ({_HIGH})",
        frozenset({"status", "reward"}),
    ),
    RolloutRule(
        "repeated_ngrams",
        "Repeats itself",
        f"Of the first {_TOKENS_LOOKED_AT} tokens, at least {_MIN_TOKENS_FOR_REPEATS}, more than {_REPEATED_SHARE:.0%} of the 4-grams occurred before.",
        "Loops are the first sign of a collapsing policy, or of a reward that pays for length. Harmless in tables and code.",
        f"len(token_ids) >= {_MIN_TOKENS_FOR_REPEATS} AND "
        f"len(list_distinct(list_transform(range(1, {_NUM_NGRAMS} + 1), lambda i: {_NGRAM}))) < {1 - _REPEATED_SHARE} * {_NUM_NGRAMS}",
        frozenset({"token_ids"}),
    ),
    RolloutRule(
        "answer_in_prompt",
        "Answer stands in the prompt",
        "A verifier said CORRECT, and the answer it read stands in the prompt as a word of its own.",
        "The model may be echoing what it was given. Harmless where the prompt lists the choices.",
        """len(list_filter(scores, lambda s: s.outcome = 'CORRECT' AND length(trim(s.extracted)) > 0 AND contains(
            ' ' || regexp_replace(prompt_text, '[^\\pL\\pN.]+', ' ', 'g') || ' ', ' ' || trim(s.extracted) || ' '))) > 0""",
        frozenset({"scores", "prompt_text"}),
    ),
    RolloutRule(
        "verifiers_disagree",
        "Verifiers disagree",
        "One verifier said CORRECT and another INCORRECT or UNPARSED of the same completion.",
        "Either one of them is wrong, or the model satisfies one without the other. Harmless where they check different things on purpose.",
        """list_contains(list_transform(scores, lambda s: s.outcome), 'CORRECT')
            AND len(list_filter(scores, lambda s: s.outcome IN ('INCORRECT', 'UNPARSED'))) > 0""",
        frozenset({"scores"}),
    ),
    RolloutRule(
        "verifier_error",
        "Verifier failed",
        "A verifier ended in ERROR: a fault that the completion did not cause; no reward was paid.",
        "Such rollouts leave their group. Many of one kind mean a broken checker, sandbox or endpoint.",
        "status = 'error' OR list_contains(list_transform(scores, lambda s: s.outcome), 'ERROR')",
        frozenset({"status", "scores"}),
    ),
    RolloutRule(
        "language_mixing",
        "Another script than the prompt's",
        f"The completion has words in a script that its prompt does not use ({', '.join(name for name, _ in _SCRIPTS)}).",
        "Language mixing is a known drift of reasoning models. Harmless in translation tasks.",
        _FOREIGN,
        frozenset({"text", "prompt_text"}),
    ),
    RolloutRule(
        "unanimous_group",
        "Unanimous group",
        "Every rollout of the group earned the same, and there are at least two.",
        "A group-relative objective learns nothing from it: the task is too easy or too hard now. Harmless in small numbers.",
        """(step, "group") IN (SELECT (r.step, r."group") FROM rollouts r GROUP BY r.step, r."group"
            HAVING count(r.reward) > 1 AND min(r.reward) = max(r.reward))""",
        frozenset({"reward"}),
    ),
)

ROLLOUT_RULES: Mapping[str, RolloutRule] = {rule.name: rule for rule in _RULES}

STEP_RULES: Mapping[str, StepRule] = {
    "reward_jump": StepRule(
        "reward_jump",
        "Sudden jump of the reward",
        f"The mean reward leaves the mean of the {_JUMP_WINDOW} steps before by more than {_JUMP_FACTOR:g} times the median change from step to step, "
        f"and by more than {_JUMP_SHARE_OF_RANGE:.0%} of the range, of the {_JUMP_MEMORY} steps before.",
        "Skills grow gradually; a cheat is found in one step. Harmless after a change of data.",
    ),
    "length_explosion": StepRule(
        "length_explosion",
        "Length explodes",
        f"The mean completion is longer than {_EXPLOSION_FACTOR:g} times the mean of the {_EXPLOSION_WINDOW} steps before.",
        "Reward for length, or a policy that no longer ends its turn. Harmless where longer reasoning earns more, slowly.",
    ),
}


def reward_jumps(steps: Sequence[int], rewards: Sequence[float | None]) -> list[int]:
    """Steps whose mean reward jumps; see the rule `reward_jump`.

    Args:
        steps: ascending.
        rewards: mean reward of each; None where there is none.
    """
    known = [(step, reward) for step, reward in zip(steps, rewards, strict=True) if reward is not None]
    values = [reward for _, reward in known]
    found: list[int] = []
    for place in range(_JUMP_WINDOW, len(known)):
        before = values[max(0, place - _JUMP_MEMORY) : place]
        usual = median(abs(b - a) for a, b in pairwise(before))
        lowest, highest = min(*before, values[place]), max(*before, values[place])
        change = abs(values[place] - fmean(before[-_JUMP_WINDOW:]))
        if change > _JUMP_FACTOR * usual and change > _JUMP_SHARE_OF_RANGE * (highest - lowest):
            found.append(known[place][0])
    return found


def length_explosions(steps: Sequence[int], lengths: Sequence[float | None]) -> list[int]:
    """Steps whose completions are suddenly much longer; see the rule `length_explosion`.

    Args:
        steps: ascending.
        lengths: mean completion tokens of each; None where there are none.
    """
    known = [(step, length) for step, length in zip(steps, lengths, strict=True) if length is not None]
    return [
        step
        for place, (step, length) in enumerate(known)
        if place >= 3 and length > _EXPLOSION_FACTOR * fmean(value for _, value in known[max(0, place - _EXPLOSION_WINDOW) : place])
    ]
