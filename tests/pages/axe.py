"""axe-core, which looks for breaches of WCAG in a page; it comes from npm when the tests run, and is no part of the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

VERSION = "4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
INSTALL_SECONDS = 60

_RUN = """(rules) => axe.run(document, {resultTypes: ["violations"], ...(rules.length && {runOnly: rules})})
  .then((result) => result.violations.map((rule) =>
    `${rule.id}: ${rule.help}: ` + rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")))"""


def axe_install(folder: Path) -> str:
    """Give the source of axe-core, checked against `INTEGRITY` by npm; skip the test where it is not to be had."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    wanted = {"axe-core": VERSION}
    packages: dict[str, Any] = {
        "": {"dependencies": wanted},
        "node_modules/axe-core": {"version": VERSION, "integrity": INTEGRITY},
    }
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": wanted}))
    (folder / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "requires": True, "packages": packages}))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not install axe-core: {type(error).__name__}")
    if "EINTEGRITY" in done.stderr:
        pytest.fail("the axe-core that npm got is not the one that was pinned")
    if done.returncode != 0:
        pytest.skip(f"npm could not install axe-core: {(done.stderr.strip().splitlines() or ['no reason given'])[0][:200]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def axe_violations(page: Page, source: str, *rules: str) -> list[str]:
    """Every rule that the page breaks as it stands, best practices included; or of these rules only."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(source)
    found: list[str] = page.evaluate(_RUN, list(rules))
    return found
