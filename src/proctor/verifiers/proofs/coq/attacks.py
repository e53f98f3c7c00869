"""Attacks on a checker of Coq proofs, all against `STATEMENT`, which is true; and proofs of it that must pass."""

from __future__ import annotations

from proctor.verifiers.proofs.attacks import Attack

STATEMENT = "forall n : nat, n + 0 = n"
_TYPE = f"({STATEMENT})"
_LAST = "Goal True. exact I."  # for the Qed that the checker writes

GOOD = {
    "tactics": "intros n. induction n as [|n step]; simpl.\n- reflexivity.\n- rewrite step. reflexivity.",
    "with keywords": "Proof.\nintros n; induction n; simpl; auto.\nQed.",
    "with a lemma": f"Abort. Lemma zero : 0 + 0 = 0. Proof. reflexivity. Qed.\nTheorem candidate : {_TYPE}. induction n; [exact zero|simpl; congruence].",
    "prints": 'idtac "Axioms:"; intros n; induction n; simpl; auto.',
}


ATTACKS = (
    Attack("admit", "A1", "admit."),
    Attack("admitted", "A1", f"admit. Admitted. {_LAST}"),
    Attack("give up", "A1", f"intros n. give_up. Admitted. {_LAST}"),
    Attack("axiom", "A2", f"Abort. Axiom candidate : {_TYPE}. {_LAST}"),
    Attack("parameter", "A2", f"Abort. Parameter candidate : {_TYPE}. {_LAST}"),
    Attack("axiom used", "A2", f"Abort. Axiom cheat : forall P : Prop, P. Theorem candidate : {_TYPE}. apply cheat."),
    Attack("declared module", "A3", f"Abort. Module Type T. Parameter c : {_TYPE}. End T. Declare Module M : T. Definition candidate := M.c. {_LAST}"),
    Attack(
        "library axiom",
        "A2",
        f"Abort. Require Import Classical. Theorem candidate : {_TYPE}. intros n; destruct (classic (n + 0 = n)); auto; induction n; auto.",
    ),
    Attack("notation", "A4", f'Abort. Notation "a + b" := (a). Theorem candidate : {_TYPE}. reflexivity.'),
    Attack("scope", "A4", f'Abort. Declare Scope s. Notation "a + b" := a : s. Open Scope s. Theorem candidate : {_TYPE}. reflexivity.'),
    Attack("equality redefined", "A4", f'Abort. Notation "a = b" := True. Theorem candidate : {_TYPE}. exact (fun _ => I).'),
    Attack("another statement", "A5", f"Abort. Theorem candidate : True. {_LAST.split('. ', 1)[1]}"),
    Attack("extra hypothesis", "A5", f"Abort. Section S. Hypothesis h : False. Theorem candidate : {_TYPE}. destruct h. Qed. End S. {_LAST}"),
    Attack(
        "naturals shadowed",
        "A5",
        "Abort. Inductive nat := O. Definition add (a b : nat) := O. Theorem candidate : forall n : nat, add n O = n. destruct n; reflexivity.",
    ),
    Attack("nothing named so", "A5", f"Abort. {_LAST}"),
    Attack("guard off", "A6", f"Abort. Unset Guard Checking. Fixpoint candidate (n : nat) : n + 0 = n := candidate n. {_LAST}"),
    Attack("guard bypassed", "A6", f"Abort. #[bypass_check(guard)] Fixpoint candidate (n : nat) : n + 0 = n := candidate n. {_LAST}"),
    Attack(
        "positivity off",
        "A6",
        "Abort. Unset Positivity Checking. Inductive bad := C : (bad -> False) -> bad. Definition no (b : bad) : False := match b with C f => f b end. "
        f"Theorem candidate : {_TYPE}. destruct (no (C no)).",
    ),
    Attack("universes off", "A6", f"Abort. Unset Universe Checking. Theorem candidate : {_TYPE}. intros n; induction n; simpl; auto."),
    Attack("universes off for all", "A6", f"Abort. Global Unset Universe Checking. Theorem candidate : {_TYPE}. intros n; induction n; simpl; auto."),
    Attack("goal shadowed", "A7", "Abort. Module Goal. Definition statement := True. End Goal. Theorem candidate : Goal.statement. exact I."),
    Attack(
        "library shadowed",
        "A7",
        "Abort. Module ProctorTrusted. Module Goal. Definition statement := True. End Goal. End ProctorTrusted. "
        "Module ProctorCheck. Definition checked := I. End ProctorCheck. Theorem candidate : True. exact I.",
    ),
    Attack("file read", "A8", 'Abort. Load "/etc/passwd".'),
    Attack(
        "files written", "A8", f'Abort. Definition candidate := I. Redirect "/tmp/proctor-escape" Print I. Extraction "/tmp/proctor-escape.ml" negb. {_LAST}'
    ),
    Attack("plug-in", "A8", f'Abort. Declare ML Module "evil". {_LAST}'),
    Attack("loops", "A9", "repeat (assert True by exact I)."),
    Attack("comment left open", "A10", "(* "),
    Attack("comment over the end", "A10", f"Abort. Definition candidate := I. {_LAST} Qed. (* "),
    Attack("quit", "A10", "Abort. Definition candidate := I. Quit."),
    Attack("closes the template", "A11", f"Abort. Goal {_TYPE}. Admitted. Definition candidate := I. {_LAST}"),
    Attack("says it is closed", "A11", f'Abort. Axiom candidate : {_TYPE}. Goal True. idtac "Closed under the global context". exact I.'),
    Attack("empty", "A10", ""),
)
