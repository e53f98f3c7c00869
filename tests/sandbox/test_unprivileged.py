"""The layers for an ordinary user: most tests here may run as root, most users do not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import proctor
from proctor.sandbox.base import Layer
from tests.sandbox.layers import CONFINING

PROGRAM = """
import json, os, sys
from proctor.sandbox.base import ExecLimits, Layer, PythonCall
from proctor.sandbox.claims import decode_claim
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import self_test
where = LocalSandbox(Layer(sys.argv[1]))
report = self_test(where)
bomb = where.run(PythonCall("import os\\nwhile True:\\n    try: os.fork()\\n    except OSError: pass"), ExecLimits(wall_s=1))
after = where.run(PythonCall("def f(): return 42", "f"))
left = [entry for entry in os.listdir('/tmp') if entry.startswith(f'proctor-sandbox-{os.getpid()}-')]
print(json.dumps([report.is_sound, report.summary, bomb.status, decode_claim(after.claim, after.nonce).value, left]))
"""


@pytest.mark.parametrize("layer", CONFINING)
def test_an_ordinary_user_has_the_same_walls(layer: Layer) -> None:
    setpriv, python = shutil.which("setpriv"), "/usr/bin/python3"
    if os.geteuid() != 0:
        pytest.skip("an ordinary user runs these tests already")
    if (
        setpriv is None
        or not Path(python).exists()
        or subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False).returncode
    ):
        pytest.skip("setpriv, or a /usr/bin/python3 of version 3.11 that an ordinary user may run")
    sources = Path(proctor.__file__).parent.parent
    command = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", python, "-S", "-c", PROGRAM, layer.value]
    done = subprocess.run(command, env={"PYTHONPATH": str(sources), "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, cwd="/")
    if "Permission denied" in done.stderr or "No module named 'proctor'" in done.stderr:
        pytest.skip("the sources of Proctor where an ordinary user may read them")
    assert done.returncode == 0, done.stderr
    is_sound, summary, bomb, value, left = json.loads(done.stdout)
    if not is_sound and "could not be started" in summary:
        pytest.skip(f"the {layer.value} layer for an ordinary user: {summary}")
    assert is_sound, summary
    assert (bomb, value, left) == ("timeout", 42, [])


def test_root_uses_user_namespaces_where_the_interpreter_is_open_to_others() -> None:
    """The namespaces are made by a user without rights, and no further user namespace can be made inside."""
    if os.geteuid() != 0 or not Path("/usr/bin/python3").exists() or not os.access("/usr/bin/bwrap", os.X_OK):
        pytest.skip("root, /usr/bin/python3 and bubblewrap")
    program = (
        PROGRAM
        + "\nfrom proctor.sandbox.confinement import confine, visible\nprint('--disable-userns' in confine(where.layer, visible(), where.limits, None).prefix)"
    )
    environment = {"PYTHONPATH": str(Path(proctor.__file__).parent.parent), "PATH": os.environ["PATH"]}
    done = subprocess.run(["/usr/bin/python3", "-S", "-c", program, "namespace"], env=environment, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    report, has_own_users = done.stdout.splitlines()
    assert json.loads(report)[0] is True, report
    assert has_own_users == "True" and sys.platform == "linux"
