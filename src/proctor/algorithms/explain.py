"""What a preset computes, in the signs of the papers: its resolved equation, its constants, and what its nearest neighbours do otherwise."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from proctor.algorithms import presets
from proctor.algorithms.spec import AnyObjective, DistillationObjective, KLInReward, Objective, PreferenceObjective
from proctor.plugins import unknown

_NUM_NEIGHBOURS = 3
_EXAMPLE_TOKENS = 1024
_NEEDED: Mapping[str, Mapping[str, Any]] = {"on_policy_distillation": {"teacher": "TEACHER"}}


def explain(name: str, **arguments: Any) -> str:
    """The preset's source, equation, constants and nearest neighbours, as text.

    Raises:
        ValueError: there is no such preset.
    """
    objective = build(name, **arguments)
    lines = [name, "", _first_paragraph(name), "", *(f"  {line}" for line in equation(objective)), "", "constants"]
    lines += [f"  {key} = {value}" for key, value in _constants(name, arguments).items()] or ["  none"]
    lines += ["", "nearest neighbours"]
    for other in neighbours(name):
        lines += [f"  {other}:", *(f"    {line}" for line in differences(objective, build(other)))]
    return "\n".join(lines)


def explain_difference(first: str, second: str) -> str:
    """What two presets do differently, part by part."""
    found = differences(build(first), build(second))
    return "\n".join([f"{first} → {second}", *(f"  {line}" for line in found)]) if found else f"{first} and {second} are the same objective"


def build(name: str, **arguments: Any) -> AnyObjective:
    """A preset for a completion limit of 1,024 tokens.

    Raises:
        ValueError: there is no such preset; near names are listed.
    """
    if name not in presets.ALIASES:
        raise ValueError(unknown(name, kind="preset", allowed=presets.ALIASES))
    return getattr(presets, name)(max_completion_tokens=_EXAMPLE_TOKENS, **{**_NEEDED.get(name, {}), **arguments})


def equation(objective: AnyObjective) -> list[str]:
    """The lines of the objective's equation."""
    source = f"o ~ {_SOURCES[objective.source.kind]}"
    if isinstance(objective, PreferenceObjective):
        return [f"{source}; y⁺, y⁻ the best and the worst of a group", objective.loss.formula, "L = mean over pairs of ℓ"]
    if isinstance(objective, DistillationObjective):
        return [source, objective.divergence.formula, "L = Σᵢ Σₜ ℓᵢₜ / Σᵢ|oᵢ|"]
    if not isinstance(objective, Objective):
        return [source, "ℓ = mean over all pairs of a prompt of −log σ(s(y⁺) − s(y⁻)),   s read at the last token", "L = mean over prompts of ℓ"]
    lines = [source]
    if objective.has_ratio:
        lines.append("ρₜ = π(oₜ) / π_old(oₜ)")
    if isinstance(objective.penalty, KLInReward):
        lines.append(f"rₜ ← rₜ − {objective.penalty.beta:g} · {objective.penalty.estimator}(π_old, π_ref)")
    lines += [f"r ← r + {shaping.kind}(o)" for shaping in objective.collection.shaping]
    lines += [objective.advantage.formula, *objective.loss.formula.split("\n")]
    if objective.critic is not None:
        clip = "" if objective.critic.clip is None else f", clipped to V_old ± {objective.critic.clip:g}"
        lines.append(f"critic ({objective.critic.kind}): ½ (V(sₜ) − R̂ₜ)²{clip}")
    if objective.positive_nll_weight:
        lines.append(f"L ← L + {objective.positive_nll_weight:g} · mean −log π(oₜ) over rollouts with r ≥ 1")
    if objective.pretraining_weight:
        lines.append(f"L ← L + {objective.pretraining_weight:g} · mean −log π over pre-training text")
    if objective.collection.max_refills:
        lines.append(f"unanimous groups are replaced, in at most {objective.collection.max_refills} rounds")
    if objective.collection.drops_truncated:
        lines.append("truncated rollouts have Â = 0")
    if objective.resets_optimizer:
        lines.append("Adam's moments are cleared at every step")
    return lines


_SOURCES: Mapping[str, str] = {"on_policy": "π_old", "snapshot": "a frozen copy of π", "demonstrations": "the data set"}


def parts(objective: AnyObjective) -> dict[str, Any]:
    """Every constant and kind of an objective by its dotted path, the name aside."""
    flat: dict[str, Any] = {"type": type(objective).__name__}
    _flatten(objective, "", flat)
    flat.pop("name", None)
    return flat


def _flatten(value: Any, prefix: str, flat: dict[str, Any]) -> None:
    for entry in fields(value):
        inner, key = getattr(value, entry.name), f"{prefix}{entry.name}"
        if is_dataclass(inner):
            _flatten(inner, f"{key}.", flat)
        elif key == "collection.shaping":
            flat[key] = ", ".join(part.kind for part in value.shaping) or "none"
        else:
            flat[key] = inner


def differences(first: AnyObjective, second: AnyObjective) -> list[str]:
    """`path: value → value` for every part in which two objectives differ."""
    a, b = parts(first), parts(second)
    paths = [path for path in (*a, *(path for path in b if path not in a)) if a.get(path) != b.get(path) and not path.endswith(("has_ratio", "needs_group"))]
    return [f"{path}: {_shown(a, path)} → {_shown(b, path)}" for path in paths]


def _shown(flat: Mapping[str, Any], path: str) -> str:
    return "—" if path not in flat else f"{flat[path]:g}" if isinstance(flat[path], float) else str(flat[path])


def neighbours(name: str) -> list[str]:
    """The presets that differ from one in the fewest parts."""
    own = build(name)
    others = [other for other in presets.ALIASES if other != name]
    return sorted(others, key=lambda other: len(differences(own, build(other))))[:_NUM_NEIGHBOURS]


def _first_paragraph(name: str) -> str:
    return inspect.cleandoc(getattr(presets, name).__doc__ or "").split("\n\nArgs:")[0]


def _constants(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(getattr(presets, name)).parameters
    return {key: given.get(key, parameter.default) for key, parameter in parameters.items() if key != "max_completion_tokens"}
