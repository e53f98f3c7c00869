/-
Compares a compiled submission with a compiled challenge, and replays it through the kernel.

Run as `lean --run audit.lean CHALLENGE SUBMISSION THEOREM NONCE`. Both modules are read as data: extensions are not
loaded and initializers do not run, so nothing of the submission is executed here. The answer is one line of JSON.
Not compiled where it was written: see `proctor.verifiers.proofs.lean`.
-/
import Lean
import Lean.Replay

open Lean

namespace Proctor

structure Compiled where
  imports : Array Import
  constants : Std.HashMap Name ConstantInfo

def readModule (name : Name) : IO Compiled := do
  let (data, _) ← readModuleData (← findOLean name)
  let mut constants := {}
  for name in data.constNames, info in data.constants do
    constants := constants.insert name info
  return { imports := data.imports, constants }

/-- Same name, kind, universe parameters and type; definitions also the same value. The theorem's proof is free. -/
def sameStatement (target : Name) (ours theirs : ConstantInfo) : Bool :=
  ours.name == theirs.name && ours.levelParams == theirs.levelParams && ours.type == theirs.type &&
  match ours, theirs with
  | .thmInfo a, .thmInfo b => a.name == target || a.value == b.value
  | .defnInfo a, .defnInfo b => a.value == b.value && a.safety == b.safety
  | .inductInfo a, .inductInfo b => a.ctors == b.ctors && a.numParams == b.numParams && a.isUnsafe == b.isUnsafe
  | .ctorInfo .., .ctorInfo .. | .recInfo .., .recInfo .. | .quotInfo .., .quotInfo .. => true
  | .axiomInfo .., .axiomInfo .. => true
  | .opaqueInfo a, .opaqueInfo b => a.value == b.value && a.isUnsafe == b.isUnsafe
  | _, _ => false

/-- Every axiom that a constant rests on, found by walking the replayed environment. -/
partial def axiomsOf (env : Environment) (name : Name) : StateM (NameSet × NameSet) Unit := do
  let (seen, _) ← get
  if seen.contains name then return
  modify fun (seen, axioms) => (seen.insert name, axioms)
  match env.find? name with
  | none => modify fun (seen, axioms) => (seen, axioms.insert (`missing ++ name))
  | some info =>
    if let .axiomInfo _ := info then modify fun (seen, axioms) => (seen, axioms.insert name)
    for used in info.getUsedConstantsAsSet do axiomsOf env used

def findings (target : Name) (challenge submission : Compiled) : Array String := Id.run do
  let mut found := #[]
  if challenge.imports.map (·.module) != submission.imports.map (·.module) then
    found := found.push "the submission imports other modules than the challenge"
  for (name, ours) in challenge.constants do
    match submission.constants[name]? with
    | none => found := found.push s!"{name} is missing"
    | some theirs => unless sameStatement target ours theirs do found := found.push s!"{name} is another"
  for (name, info) in submission.constants do
    if challenge.constants.contains name then continue
    if info.isUnsafe || info.isPartial then found := found.push s!"{name} is unsafe or partial"
    if let .axiomInfo _ := info then found := found.push s!"{name} is a new axiom"
  unless (submission.constants[target]?).any (· matches .thmInfo _) do found := found.push s!"{target} is no theorem"
  return found

end Proctor

def main (args : List String) : IO UInt32 := do
  let [challengeName, submissionName, theoremName, nonce] := args | return 2
  initSearchPath (← findSysroot)
  let target := theoremName.toName
  let challenge ← Proctor.readModule challengeName.toName
  let submission ← Proctor.readModule submissionName.toName
  let found := Proctor.findings target challenge submission
  let env ← importModules challenge.imports {} 0
  let replayed ← env.replay submission.constants
  let (_, _, axioms) := (Proctor.axiomsOf replayed target).run ({}, {})
  IO.println <| Json.compress <| Json.mkObj [
    ("nonce", nonce), ("findings", toJson found), ("axioms", toJson (axioms.toList.map toString))]
  return 0
