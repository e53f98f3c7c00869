"""A small Metamath database, and where Debian keeps the large ones."""

from __future__ import annotations

from pathlib import Path

import pytest

SYSTEM = Path("/usr/share/metamath/databases")
needs_databases = pytest.mark.skipif(not (SYSTEM / "set.mm").exists(), reason="metamath-databases is not installed")

# Implication with its two axioms, and quantification over a variable that must not occur.
SMALL = """
$( A small calculus. $)
$c ( ) -> wff |- setvar A. $.
$v ph ps ch x y $.
wph $f wff ph $.
wps $f wff ps $.
wch $f wff ch $.
vx $f setvar x $.
vy $f setvar y $.
wi $a wff ( ph -> ps ) $.
wal $a wff A. x ph $.
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
${ mp.1 $e |- ph $. mp.2 $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
${ $d x ph $. ax-5 $a |- ( ph -> A. x ph ) $. $}
${ a1i.1 $e |- ph $. a1i $p |- ( ps -> ph ) $= wph wps wph wi a1i.1 wph wps ax-1 ax-mp $. $}
${ a1c.1 $e |- ph $. a1c $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}
id $p |- ( ph -> ph ) $= ( wi ax-1 ax-2 ax-mp ) AAABZBZFAACAFABBGFBAFCAFADEE $.
${ $d x ph $. $d x ps $. a5 $p |- ( ( ph -> ps ) -> A. x ( ph -> ps ) ) $= wph wps wi vx ax-5 $. $}
"""
