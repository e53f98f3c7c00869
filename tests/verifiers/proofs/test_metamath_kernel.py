"""The Metamath kernel: each rule of the language once kept and once broken."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import TaskError
from proctor.verifiers.proofs.metamath import tokens
from proctor.verifiers.proofs.metamath.database import Database, database_of, prove, read_database, state, statement_source, verify
from proctor.verifiers.proofs.metamath.kernel import DEFAULT_MAX_SYMBOLS, ProofError
from proctor.verifiers.proofs.metamath.mutants import normal_proof
from proctor.verifiers.proofs.metamath.tokens import text_tokens
from tests.verifiers.proofs.databases import SMALL

HEAD = "$c wff |- ( ) -> $. $v ph ps $. wph $f wff ph $. wps $f wff ps $. "


@pytest.fixture(scope="module")
def small() -> Database:
    return database_of(SMALL)


def _verdicts(source: str) -> dict[str, str]:
    return {one.label: one.reason for one in verify(text_tokens(source))}


def test_every_proof_of_the_small_database_holds() -> None:
    assert _verdicts(SMALL) == {"a1i": "", "a1c": "", "id": "", "a5": ""}


def test_a_frame_holds_the_mandatory_hypotheses_in_order_and_the_conditions_on_them(small: Database) -> None:
    found = small.theorems["a5"]
    assert [one.label for one in found.assertion.hypotheses] == ["wph", "wps", "vx"]
    assert found.assertion.disjoint == {("ph", "x"), ("ps", "x")}
    assert [one.label for one in small.assertions["ax-mp"].hypotheses] == ["wph", "wps", "mp.1", "mp.2"]
    assert small.assertions["ax-1"].disjoint == frozenset()


def test_substitution_is_simultaneous() -> None:
    # ph := ps and ps := ph in ( ph -> ps ): one after the other would give ( ph -> ph ).
    source = HEAD + "wi $a wff ( ph -> ps ) $. swap $p wff ( ps -> ph ) $= wps wph wi $. same $p wff ( ph -> ph ) $= wps wph wi $."
    assert [bool(reason) for reason in _verdicts(source).values()] == [False, True]


def test_a_compressed_proof_is_the_normal_one(small: Database) -> None:
    # Worked by hand: ABADCABEF with the list ( wi ax-1 ax-mp ) after the mandatory wph wps a1c.1.
    assert normal_proof(small.theorems["a1c"], small) == ["wph", "wps", "wph", "wi", "a1c.1", "wph", "wps", "ax-1", "ax-mp"]


@pytest.mark.parametrize(
    ("letters", "number"),
    [("A", 1), ("T", 20), ("UA", 21), ("UT", 40), ("VA", 41), ("YT", 120), ("UUA", 121), ("YYT", 620), ("UUUA", 621)],
)
def test_numbers_of_compressed_proofs(letters: str, number: int) -> None:
    # The values of appendix B of the Metamath book; label number n of the list is named by the number n, for there are no mandatory hypotheses.
    labels = " ".join(f"a{index}" for index in range(1, number + 1))
    axioms = "".join(f"a{index} $a |- c{index} $. " for index in range(1, number + 1))
    source = f"$c |- {' '.join(f'c{index}' for index in range(1, number + 1))} $. {axioms}"
    assert _verdicts(f"{source} t $p |- c{number} $= ( {labels} ) {letters} $.") == {"t": ""}
    assert _verdicts(f"{source} t $p |- c1 $= ( {labels} ) {letters} $.")["t"] == ("" if number == 1 else f"it proves another statement: |- c{number}")


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("wph wps wph wi a1i.1 wph wps ax-1", "leaves 4 expressions"),
        ("wph wps wph wi a1i.1 wph wph ax-1 ax-mp", "mp.2 is not matched"),
        ("wph wps wph wi wph wps ax-1 ax-mp", "needs 4 hypotheses; the stack holds 3"),
        ("wph vx wph wi a1i.1 wph wps ax-1 ax-mp", "wi: ph must be a wff, not a setvar"),
        ("wph wps wph wi a1i.1 wph wps ax-1 ax-mp wph", "leaves 2 expressions"),
        ("wps wph wps wi a1i.1 wph wps ax-1 ax-mp", "mp.1 is not matched"),
        ("wph", "another statement: wff ph"),
        ("wph wph wph wi a1i.1 wph wph ax-1 ax-mp", "another statement: |- ( ph -> ph )"),
        ("?", "incomplete"),
        ("wph wps wph wi ? wph wps ax-1 ax-mp", "incomplete"),
        ("a1i", "'a1i' is no hypothesis, axiom or earlier theorem"),
        ("id", "'id' is no"),
        ("mp.1", "'mp.1' is no"),
        ("(", "not closed"),
        ("( wi ax-1 ax-mp )", "leaves 0 expressions"),
        ("( wi ax-1 ax-mp ) ABADCABE?", "incomplete"),
        ("( wi ax-1 ax-mp ) ABADCABEG", "names step 7; there are 6"),
        ("( wi ax-1 ax-mp ) ABADCABEU", "ends within a number"),
        ("( wi ax-1 ax-mp ) ABADCABEUUUUUUUUUUA", "does not exist"),
        ("( wi ax-1 ax-mp ) ZABADCABEF", "Z in the compressed proof"),
        ("( wi ax-1 ax-mp ) AZZBADCABEF", "Z in the compressed proof"),
        ("( wi ax-1 ax-mp ) ABADCABEUZ", "Z in the compressed proof"),
        ("( wi ax-1 ax-mp ) abadcabef", "'a' is no letter"),
        ("( wph wi ax-1 ax-mp ) ABAECABFG", "'wph', which is a mandatory hypothesis"),
        ("( wi nothing ax-mp ) ABADCABEF", "'nothing' is no"),
        ("$= wph", "'$=' is no"),
    ],
)
def test_a_wrong_proof_is_refused_with_its_reason(small: Database, proof: str, reason: str) -> None:
    with pytest.raises(ProofError, match=re.escape(reason)):
        prove(small.theorems["a1i"], proof, small)


def test_an_empty_proof_is_refused(small: Database) -> None:
    with pytest.raises(ProofError, match="empty"):
        prove(small.theorems["a1i"], " \n", small)


def test_a_variable_in_both_expressions_is_refused_whatever_the_conditions_say(small: Database) -> None:
    theorem = state("t $p |- ( A. x ph -> A. x A. x ph ) $= ? $.", small)
    with pytest.raises(ProofError, match="x is in both"):
        prove(theorem, "wph vx wal vx ax-5", small)


def test_a_condition_that_the_proof_needs_must_be_stated(small: Database) -> None:
    statement, proof = "t $p |- ( ( ph -> ps ) -> A. x ( ph -> ps ) ) $= ? $.", "wph wps wi vx ax-5"
    assert prove(state("${ $d x ph ps $. " + statement + " $}", small), proof, small).disjoint == {("ph", "x"), ("ps", "x")}
    with pytest.raises(ProofError, match="ps and x to be disjoint"):
        prove(state("${ $d x ph $. " + statement + " $}", small), proof, small)


def test_a_variable_that_only_the_proof_uses_may_be_taken_to_be_fresh(small: Database) -> None:
    theorem = state("t $p |- ( ph -> ph ) $= ? $.", small)
    # ( ph -> A. y ph ), which needs y fresh, and ( ( ph -> A. y ph ) -> ( ph -> ph ) ), by ax-1 from id.
    left, right = "wph wph vy wal wi", "wph wph wi"
    proof = f"{left} {right} wph vy ax-5 {right} {left} {right} wi wph id {right} {left} ax-1 ax-mp ax-mp"
    derivation = prove(theorem, proof, small)
    assert derivation.disjoint == {("ph", "y")}
    own = verify(text_tokens(SMALL + f"t $p |- ( ph -> ph ) $= {proof} $."))
    assert list(own)[-1].reason == "the condition that ph and y are disjoint is missing"  # in a database it must be written down


def test_work_is_limited_before_it_is_done(small: Database) -> None:
    # Each Z doubles the formula: 200 of them would need more symbols than there are atoms.
    theorem = state("t $p |- ( ph -> ph ) $= ? $.", small)
    letters = "AAB" + "".join(f"Z{_number(3 + index)}B" for index in range(200))
    with pytest.raises(ProofError, match="more symbols than the limit"):
        prove(theorem, f"( wi ) {letters}", small)


def _number(value: int) -> str:
    """Write a number (from 1) in the letters of compressed proofs, the slow and obvious way."""
    last = chr(ord("A") + (value - 1) % 20)
    rest = (value - 1) // 20
    lead = ""
    while rest:
        lead = chr(ord("U") + (rest - 1) % 5) + lead
        rest = (rest - 1) // 5
    return lead + last


def test_the_limit_counts_symbols(small: Database) -> None:
    work = prove(small.theorems["a1i"], small.theorems["a1i"].proof, small).num_symbols
    prove(small.theorems["a1i"], small.theorems["a1i"].proof, small, max_symbols=work)
    with pytest.raises(ProofError, match="more symbols"):
        prove(small.theorems["a1i"], small.theorems["a1i"].proof, small, max_symbols=work - 1)
    assert work < DEFAULT_MAX_SYMBOLS


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("$c a a $.", "declared again"),
        ("$c a $. $v a $.", "declared again"),
        ("$v a $. $c a $.", "declared again"),
        ("$v a a $.", "declared again"),
        ("${ $c a $. $}", "inside a block"),
        ("$c $.", "empty"),
        ("$c a $. $v x $. f $f a y $.", "active variable"),
        ("$c a $. $v x $. f $f x x $.", "a constant and an active variable"),
        ("$c a $. $v x $. f $f a x $. g $f a x $.", "has a type already"),
        ("$c a $. ${ $v x $. $} f $f a x $.", "active variable"),
        ("$c a $. $v x $. s $a a x $.", "active variable with a type"),
        ("$c a $. $v x $. ${ f $f a x $. $} s $a a x $.", "active variable with a type"),
        ("$c a $. s $a b $.", "begin with a constant"),
        ("$c a $. $v x $. f $f a x $. s $a x $.", "begin with a constant"),
        ("$c a $. s $a $.", "begin with a constant"),
        ("$c a $. s $a a $. s $a a $.", "used again"),
        ("$c a $. ${ s $e a $. $} s $a a $.", "used again"),
        ("$c a $. a $a a $.", "used again"),
        ("$c a $. s $a a $. $c s $.", "is a label already"),
        ("$c a $. s $p a $. ", "'\\$\\.' where '\\$=' was expected"),
        ("$c a $. s $p a $= $.", "empty proof"),
        ("$c a $. s $a a", "the file ends"),
        ("$c a $. s $a a $= $.", "'\\$=' where"),
        ("$c a $. $a a $.", "needs a label"),
        ("$c a $. s s $a a $.", "followed by 's'"),
        ("$c a $. s!x $a a $.", "is no label"),
        ("$c a $. s", "followed by ''"),
        ("$v x y $. $d x $.", "two or more"),
        ("$v x y $. $d x x $.", "distinct"),
        ("$c a $. $v x $. $d x a $.", "active variables"),
        ("${", "not closed"),
        ("$}", "not opened"),
        ("$( a", "not closed"),
        ("$)", "not opened"),
        ("$( $( $) $)", "do not nest"),
        ("$( a$) $)", "do not nest"),
        ("$[ other.mm $]", "include"),
        ("$x", "out of place"),
        ("$c ä $.", "ASCII"),
        ("$c a\x0bb $.", "ASCII"),
    ],
)
def test_a_malformed_database_is_refused(source: str, reason: str) -> None:
    with pytest.raises(TaskError, match=reason):
        read_database(text_tokens(source))


def test_variables_may_be_declared_again_in_another_block() -> None:
    found = read_database(text_tokens("$c a b $. ${ $v x $. f $f a x $. s $a a x $. $} ${ $v x $. g $f b x $. t $a b x $. $}"))
    assert [one.hypotheses[0].label for one in found.assertions.values()] == ["f", "g"]


def test_a_hypothesis_of_a_closed_block_is_out_of_reach() -> None:
    source = HEAD + "${ h $e |- ph $. $} t $p |- ph $= h $."
    assert "'h' is no hypothesis" in _verdicts(source)["t"]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "t $a |- ph $.",
        "t $p |- ph $= wph $.",
        "t $p |- ph $= ? $. s $p |- ph $= ? $.",
        "${ t $p |- ph $= ? $.",
        "t $p |- new $= ? $.",
        "ax-1 $p |- ph $= ? $.",
    ],
)
def test_a_statement_is_one_theorem_without_a_proof(small: Database, source: str) -> None:
    with pytest.raises(TaskError):
        state(source, small)


def test_a_statement_is_read_back_as_it_was_written(small: Database) -> None:
    for label, theorem in small.theorems.items():
        again = state(statement_source(theorem), small, label)
        assert again.assertion == theorem.assertion
        assert again.floating == theorem.floating


def test_what_stands_after_the_place_of_a_statement_cannot_be_cited(small: Database) -> None:
    theorem = small.theorems["a1i"]
    early = state("t $p |- ( ph -> ph ) $= ? $.", small, "id")
    with pytest.raises(ProofError, match="'id' is no"):
        prove(early, "wph id", small)
    late = state("t $p |- ( ph -> ph ) $= ? $.", small)
    assert prove(late, "wph id", small).cited == (small.assertions["id"],)
    with pytest.raises(TaskError, match="has no 'nothing'"):
        state("t $p |- ph $= ? $.", small, "nothing")
    assert theorem.assertion.order < late.assertion.order


def test_every_changed_symbol_of_the_statement_is_noticed(small: Database) -> None:
    for theorem in small.theorems.values():
        own = theorem.assertion
        for place, old in enumerate(own.expression):
            for new in sorted({"ph", "ps", "(", ")", "->", "|-", "wff", "x", "A."} - {old}):
                changed = replace(theorem, assertion=replace(own, expression=(*own.expression[:place], new, *own.expression[place + 1 :])))
                labels = normal_proof(theorem, small)
                assert labels is not None
                with pytest.raises(ProofError):
                    prove(changed, " ".join(labels), small)


@given(st.lists(st.sampled_from(["a", "bc", "$c", "$.", "x" * 30]), max_size=30), st.integers(1, 9))
def test_chunks_do_not_change_tokens(words: list[str], size: int) -> None:
    text = " \n".join(words)
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(tokens._pieces(chunks)) == words


@given(st.text(alphabet="$cvfeapd.{}()=[] \nabx", max_size=120))
def test_any_text_is_read_or_refused(source: str) -> None:
    with suppress(TaskError):
        list(verify(text_tokens(source)))


@given(st.lists(st.sampled_from(["wph", "wps", "wi", "a1i.1", "ax-1", "ax-mp", "(", ")", "ABADCABEF", "AZ", "?", "vx"]), max_size=14))
def test_any_proof_is_accepted_or_refused(proof: list[str]) -> None:
    small = database_of(SMALL)
    try:
        derivation = prove(small.theorems["a1i"], " ".join(proof), small)
    except ProofError:
        return
    assert derivation.conclusion == small.assertions["a1i"].expression
