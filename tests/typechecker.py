"""How types are checked while tests run: an int is a float, as for every type checker, so `tau=1` from a file is no error."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
