"""Rollouts while they are written: in one go, around a thinking budget, or a part at each step, through any engine.

    draft -> what may be written next -> the engine -> draft + tokens -> (a sentence put in) -> ... -> turns

A draft that is not finished goes on under whatever weights the engine has then; each go is a segment with its own logprobs and
policy version. With unchanged weights the tokens are those of a rollout that is written at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proctor.chat.renderer import Renderer
from proctor.chat.thinking import BUDGET_SENTENCE, is_thinking
from proctor.core import Completion, FinishReason, Segment, Turn
from proctor.engines.base import Sampler, SampleRequest, Sampling, before_stop, rollout_seed
from proctor.errors import EngineError

_PROMPT_TAIL = 32  # tokens: enough for a tag at the end of a prompt


@dataclass(frozen=True, slots=True)
class Draft:
    """A rollout that is being written.

    Attributes:
        prompt_ids: what the model read first.
        seed: of its random numbers.
        budget: thinking tokens after which it is told to answer; None for no limit.
        turns: completions that are finished, each but the last followed by what was put in.
        written: of the completion in progress, one a go; empty at the beginning of one.
    """

    prompt_ids: tuple[int, ...]
    seed: int
    budget: int | None = None
    turns: tuple[Turn, ...] = ()
    written: tuple[Completion, ...] = ()

    @property
    def is_finished(self) -> bool:
        return bool(self.turns) and not self.written and not self.turns[-1].inserted_text

    @property
    def num_tokens(self) -> int:
        """Tokens that the model wrote so far; what was put in does not count."""
        return sum(len(turn.completion.token_ids) for turn in self.turns) + sum(len(part.token_ids) for part in self.written)

    @property
    def written_ids(self) -> tuple[int, ...]:
        return tuple(token for part in self.written for token in part.token_ids)


def draw_budget(budgets: Sequence[int], seed: int) -> int | None:
    """The budget of one rollout: each is as likely, and a seed always draws the same; None where there are none."""
    return budgets[rollout_seed(seed, "thinking budget") % len(budgets)] if budgets else None


async def write(drafts: Sequence[Draft], *, sampler: Sampler, sampling: Sampling, renderer: Renderer, max_new_tokens: int | None = None) -> list[Draft]:
    """Go on writing, until every draft is finished or has `max_new_tokens` more.

    Args:
        drafts: some may be finished already.
        sampler: any engine.
        sampling: its `max_completion_tokens` bounds what the model writes in all turns together.
        renderer: tokenises what is put in, and decodes completions that were written in several goes.
        max_new_tokens: for each draft; None for no bound.

    Raises:
        EngineError: sampling failed, or wrote nothing.
    """
    found = list(drafts)
    ends = [sampling.max_completion_tokens if max_new_tokens is None else draft.num_tokens + max_new_tokens for draft in drafts]
    while True:
        live = [place for place, draft in enumerate(found) if not draft.is_finished and draft.num_tokens < ends[place]]
        if not live:
            return found
        limits = [min(ends[place] - found[place].num_tokens, _next_limit(found[place], sampling)) for place in live]
        completions = await _sample([found[place] for place in live], limits, sampler, sampling)
        for place, completion in zip(live, completions, strict=True):
            found[place] = _extended(found[place], completion, sampling, renderer)


def _next_limit(draft: Draft, sampling: Sampling) -> int:
    """Tokens up to the next decision: the budget, or the end."""
    is_before_budget = draft.budget is not None and draft.num_tokens < draft.budget
    return (draft.budget if is_before_budget and draft.budget is not None else sampling.max_completion_tokens) - draft.num_tokens


async def _sample(drafts: Sequence[Draft], limits: Sequence[int], sampler: Sampler, sampling: Sampling) -> list[Completion]:
    """One completion a draft. Neighbours that begin with the same prompt make one request, so that it is read once for all."""
    requests: list[SampleRequest] = []
    for draft, limit in zip(drafts, limits, strict=True):
        request = SampleRequest(_read_before(draft), (_seed(draft),), (limit,), draft.written_ids)
        last = requests[-1] if requests else None
        if last is not None and not draft.written and last.prompt_ids is request.prompt_ids and not last.written_ids:
            requests[-1] = replace(last, seeds=(*last.seeds, *request.seeds), limits=(*last.limits, limit))
        else:
            requests.append(request)
    asked = [replace(request, limits=()) if set(request.limits) == {sampling.max_completion_tokens} else request for request in requests]
    return [completion for group in await sampler.sample(asked, sampling) for completion in group]


def _read_before(draft: Draft) -> tuple[int, ...]:
    """What the model reads before the completion in progress: the very object that a group shares where that is the prompt."""
    said = tuple(token for turn in draft.turns for token in (*turn.completion.token_ids, *turn.observation_ids))
    return (*draft.prompt_ids, *said) if said else draft.prompt_ids


def _seed(draft: Draft) -> int:
    return rollout_seed(draft.seed, "turn", len(draft.turns)) if draft.turns else draft.seed


def _extended(draft: Draft, new: Completion, sampling: Sampling, renderer: Renderer) -> Draft:
    """The draft with what was written, and what is put in where the budget is used up in the middle of a thought."""
    if not new.token_ids:
        raise EngineError("the engine returned no token for a completion that is not finished; it would be asked for ever")
    draft = replace(draft, written=(*draft.written, new))
    if new.finish_reason is not FinishReason.LENGTH or draft.num_tokens >= sampling.max_completion_tokens:
        return closed(draft, new.finish_reason, sampling, renderer)
    if draft.num_tokens == draft.budget:
        cut = closed(draft, FinishReason.BUDGET, sampling, renderer)
        if is_thinking(renderer.text(draft.prompt_ids[-_PROMPT_TAIL:]), cut.turns[-1].completion.text):
            turn = replace(cut.turns[-1], observation_ids=renderer.inserted_ids(BUDGET_SENTENCE), inserted_text=BUDGET_SENTENCE)
            return replace(cut, turns=(*cut.turns[:-1], turn))
    return draft


def closed(draft: Draft, reason: FinishReason, sampling: Sampling, renderer: Renderer) -> Draft:
    """The draft with its completion in progress ended for a reason."""
    return replace(draft, turns=(*draft.turns, Turn(_joined(draft.written, reason, sampling, renderer))), written=())


def _joined(parts: Sequence[Completion], reason: FinishReason, sampling: Sampling, renderer: Renderer) -> Completion:
    """Parts of one completion as one; its text is decoded anew, since a character may lie on a border."""
    if len(parts) == 1:
        return replace(parts[0], finish_reason=reason)
    ids = tuple(token for part in parts for token in part.token_ids)
    logprobs = tuple(value for part in parts for value in part.behavior_logprobs)
    text = before_stop(renderer.text(ids), sampling.stop)
    return Completion(ids, logprobs, text, reason, parts[-1].policy_version, _segments(parts))


def _segments(parts: Sequence[Completion]) -> tuple[Segment, ...]:
    """Goes under the same weights are one; a completion of one version has none."""
    segments: list[Segment] = []
    for part in parts:
        if segments and segments[-1].policy_version == part.policy_version:
            segments[-1] = Segment(segments[-1].num_tokens + len(part.token_ids), part.policy_version)
        else:
            segments.append(Segment(len(part.token_ids), part.policy_version))
    return tuple(segments) if len(segments) > 1 else ()


def text_so_far(draft: Draft, renderer: Renderer) -> str:
    """The text of the completion in progress."""
    return renderer.text(draft.written_ids)
