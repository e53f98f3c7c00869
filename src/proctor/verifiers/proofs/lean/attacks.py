"""Attacks on a checker of Lean proofs, all against `SIGNATURE`, which is true; and proofs of it that must pass.

`AUDIT_ATTACKS` are written to pass the list of words: only the audit of compiled files can refuse them.
"""

from __future__ import annotations

from proctor.verifiers.proofs.attacks import Attack

SIGNATURE = "(n : Nat) : n + 0 = n"

GOOD = {
    "rfl": "rfl",
    "induction": "induction n with\n| zero => rfl\n| succ k ih => rfl",
    "by in front": ":= by\n  simp",
    "a word in a comment": "-- no sorry here\nsimp /- nor axiom /- nested -/ here -/",
    "a word in a string": 'have _s : String := "sorry axiom -- /-"\nsimp',
}

ATTACKS = (
    Attack("sorry", "A1", "sorry"),
    Attack("admit", "A1", "admit"),
    Attack("search", "A1", "apply?"),
    Attack("stop", "A1", "stop\n  rfl"),
    Attack("sorryAx", "A1", "exact sorryAx _ false"),
    Attack("sorryAx, dotted", "A1", "exact _root_.sorryAx _ false"),
    Attack("sorryAx, quoted", "A1", "exact «sorryAx» _ false"),
    Attack("axiom", "A2", "rfl\n\naxiom cheat : False"),
    Attack("opaque", "A2", "rfl\n\nopaque cheat : False"),
    Attack("unsafe", "A2", "rfl\n\nunsafe def cheat : False := cheat"),
    Attack("implemented_by", "A3", "rfl\n\n@[implemented_by cheat] def f := 1"),
    Attack("native_decide", "A3", "native_decide"),
    Attack("ofReduceBool", "A3", "exact Lean.ofReduceBool _ _ rfl"),
    Attack("csimp", "A3", "rfl\n\n@[csimp] theorem f : 1 = 2 := by rfl"),
    Attack("bv_decide", "A3", "bv_decide"),
    Attack("instance", "A4", "rfl\n\nlocal instance : Add Nat := ⟨Nat.mul⟩"),
    Attack("notation", "A4", 'rfl\n\nnotation a " + " b => a'),
    Attack("macro", "A4", 'rfl\n\nmacro "x" : tactic => `(tactic| sorry)'),
    Attack("second theorem", "A5", "rfl\n\ntheorem proctor_target : True := trivial"),
    Attack("variable", "A5", "rfl\n\nvariable (h : False)"),
    Attack("namespace", "A5", "rfl\n\nend\nnamespace X"),
    Attack("open", "A5", "rfl\nopen Real"),
    Attack("skip the kernel", "A6", "set_option debug.skipKernelTC true in rfl"),
    Attack("addDecl", "A6", "exact Lean.addDecl _"),
    Attack("run_tac", "A6", "run_tac do pure ()"),
    Attack("prelude", "A7", "rfl\nprelude"),
    Attack("eval", "A8", 'rfl\n\n#eval IO.FS.writeFile "x" "y"'),
    Attack("initialize", "A8", "rfl\n\ninitialize pure ()"),
    Attack("heartbeats", "A9", "set_option maxHeartbeats 0 in simp"),
    Attack("comment left open", "A10", "rfl /-"),
    Attack("string left open", "A10", 'rfl "'),
    Attack("nested comment left open", "A10", "rfl /- /- -/"),
    Attack("exit", "A10", "rfl\n#exit"),
    Attack("example", "A11", "rfl\n\nexample : True := trivial"),
    Attack("comment that hides a word", "A11", '/- " -/ sorry /- " -/'),
    Attack("string that hides a word", "A11", 'exact absurd "/-" sorry "-/"'),
    Attack("character that hides a word", "A11", "exact '\"' sorry '\"'"),
)

AUDIT_ATTACKS = (
    Attack("wrong", "A5", "exact (0 : Nat)"),
    Attack("only some cases", "A5", "cases n\nrfl"),
    Attack("loops", "A9", "repeat (have := 0)"),
    Attack("empty", "A10", ""),
)
