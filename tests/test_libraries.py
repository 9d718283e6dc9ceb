"""The libraries work where Django is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
LIBRARIES = ("outbound", "kettle_api", "archives", "provenance", "attestation", "verification", "builder", "launcher")

_IMPORT_ALL = """
import importlib, pkgutil, sys
for name in ("django", "channels", "celery", "kombu", "kettle_web.settings", "kettle_web.celery"):
    sys.modules[name] = None  # An import of it raises ImportError.
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if module.name not in sys.argv[2:]:
        importlib.import_module(module.name)
print("imported")
"""

_PROGRAMS = {"launcher": ("kettle_web.launcher.prepare",)}
"""Modules that the launcher starts as processes of their own, inside the environment."""


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_imports_without_django(library: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, f"kettle_web.{library}", *_PROGRAMS.get(library, ())],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "imported\n", done.stderr
