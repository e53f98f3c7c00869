"""Hygiene of Lean sources: words that a proof has no need of. It saves time and shows intent; it proves nothing.

What decides is the audit of compiled files (`proctor.verifiers.proofs.lean.checker`). The words are looked for after
comments, strings and characters have been blanked out the way Lean's own scanner does it: block comments nest, and a
string may contain what looks like one.
"""

from __future__ import annotations

import re

KEYWORDS = (
    *("sorry", "admit", "stop", "axiom", "constant", "opaque", "unsafe", "partial", "implemented_by", "extern", "csimp", "native_decide", "bv_decide"),
    *("macro", "macro_rules", "syntax", "declare_syntax_cat", "notation", "notation3", "infix", "infixl", "infixr", "prefix", "postfix", "elab", "elab_rules"),
    *("run_cmd", "run_tac", "run_elab", "run_meta", "by_elab", "initialize", "builtin_initialize", "import", "prelude", "instance", "attribute"),
    *("exact?", "apply?", "rw?", "simp?", "by?", "theorem", "lemma", "example", "def", "abbrev", "class", "structure", "inductive", "deriving", "mutual"),
    *("namespace", "section", "end", "variable", "universe", "export", "include", "omit"),
)
"""Words of the language, refused where they stand alone."""
NAMES = ("sorryAx", "ofReduceBool", "ofReduceNat", "reduceBool", "reduceNat", "trustCompiler", "addDecl", "addDeclWithoutChecking", "skipKernelTC")
"""Refused also as a part of a dotted name."""
ALLOWED_OPTIONS = frozenset({"autoImplicit", "relaxedAutoImplicit", "linter.all", "linter.unusedVariables", "pp.all"})
_WORD = re.compile(r"[^\W\d][\w'.]*[?!]?")
_COMMAND = re.compile(r"#\w+")
_OPTION = re.compile(r"\bset_option\s+(\S*)")
_OPEN = re.compile(r"^\s*open\b(?!.*\bin\b)", re.MULTILINE)
_RAW_STRING = re.compile(r'r(#*)"')
_CHARACTER = re.compile(r"'(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|[^\\'\n])'")


class UnclosedError(ValueError):
    """A comment or a string is not closed: whatever follows in the file would vanish in it."""


def blanked(source: str) -> str:
    """Replace comments, strings and character literals by spaces, line breaks kept.

    Raises:
        UnclosedError: one is not closed.
    """
    written: list[str] = []
    position = 0
    while position < len(source):
        end = _token_end(source, position)
        if end is None:
            written.append(source[position])
            position += 1
        else:
            written.append(re.sub(r"[^\n]", " ", source[position:end]))
            position = end
    return "".join(written)


def objections(proof: str) -> tuple[str, ...]:
    """Return what a proof has no need of, each with its kind; empty if it is clean."""
    try:
        text = blanked(proof)
    except UnclosedError as error:
        return (str(error),)
    words = set(_WORD.findall(text))
    parts = {part for word in words for part in word.split(".")}
    found = [f"the word {word}" for word in KEYWORDS if word in words] + [f"the word {word}" for word in NAMES if word in parts]
    found += [f"the command {command}" for command in sorted(set(_COMMAND.findall(text)))]
    found += [f"the option {option}" for option in _OPTION.findall(text) if option not in ALLOWED_OPTIONS]
    if _OPEN.search(text):
        found.append("an open without in")
    if "@[" in text:
        found.append("an attribute @[")
    if "»" in text or "«" in text:
        found.append("a quoted name «»")
    return tuple(found)


def _token_end(source: str, position: int) -> int | None:
    """Return where the comment, string or character that begins here ends; None if none begins here."""
    if source.startswith("--", position):
        end = source.find("\n", position)
        return len(source) if end < 0 else end
    if source.startswith("/-", position):
        return _comment_end(source, position)
    if source[position] == '"':
        return _string_end(source, position)
    is_within_word = position > 0 and (source[position - 1].isalnum() or source[position - 1] in "_'")
    if not is_within_word and (raw := _RAW_STRING.match(source, position)):
        closing = '"' + raw.group(1)
        end = source.find(closing, raw.end())
        if end < 0:
            raise UnclosedError("a string is not closed")
        return end + len(closing)
    if not is_within_word and (character := _CHARACTER.match(source, position)):
        return character.end()
    return None


def _comment_end(source: str, position: int) -> int:
    depth = 0
    for mark in re.compile(r"/-|-/").finditer(source, position):
        depth += 1 if mark.group() == "/-" else -1
        if depth == 0:
            return mark.end()
    raise UnclosedError("a comment is not closed")


def _string_end(source: str, position: int) -> int:
    end = position + 1
    while end < len(source):
        if source[end] == '"':
            return end + 1
        end += 2 if source[end] == "\\" else 1
    raise UnclosedError("a string is not closed")
