"""The words of a comparison, in the page's language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kettle_web.provenance.diff import Group, Line
from kettle_web.provenance.diff_lists import Change

LINE_SENTENCES: Final = {
    Line.NO_PROVENANCE: gettext_lazy("One of the builds has no provenance: nothing can be said of its inputs and files."),
    Line.NO_FILES: gettext_lazy("Neither build names a file: equal inputs say nothing about outputs."),
    Line.IDENTICAL: gettext_lazy("Identical: the same inputs gave the same files, byte for byte."),
    Line.SAME_INPUTS_DIFFERENT_OUTPUT: gettext_lazy(
        "Same inputs, different output: source, lockfile, tools and dependencies are the same, and the files are not."
    ),
    Line.DIFFERENT_INPUTS_SAME_OUTPUT: gettext_lazy("Different inputs, same output: the files are the same byte for byte."),
    Line.DIFFERENT: gettext_lazy("Different inputs, different output."),
    Line.SAME_VERSION_DIFFERENT_DIGEST: gettext_lazy(
        "Same version, different digest: a dependency has other bytes under the same version."
    ),
}
LINE_LOOKS: Final = {
    Line.NO_PROVENANCE: ("skipped", "note-caution"),
    Line.NO_FILES: ("skipped", "note-caution"),
    Line.IDENTICAL: ("same", ""),
    Line.SAME_INPUTS_DIFFERENT_OUTPUT: ("error", "note-caution"),
    Line.DIFFERENT_INPUTS_SAME_OUTPUT: ("info", ""),
    Line.DIFFERENT: ("info", ""),
    Line.SAME_VERSION_DIFFERENT_DIGEST: ("fail", "note-failed"),
}
"""Shape and class of a note. None of them is green: a comparison confirms nothing."""
GROUP_TITLES: Final = {
    Group.SOURCE: gettext_lazy("Source"),
    Group.TOOLCHAIN: gettext_lazy("Toolchain"),
    Group.BUILD: gettext_lazy("Build"),
    Group.IMAGE: gettext_lazy("Builder image"),
    Group.TCB: gettext_lazy("Firmware (TCB)"),
    Group.MACHINE: gettext_lazy("Machine"),
    Group.POLICY: gettext_lazy("Policy"),
    Group.OCCASION: gettext_lazy("Of this build only"),
}
GROUP_HINTS: Final = {
    Group.IMAGE: gettext_lazy("Launch measurement and registers: which software ran in the machine."),
    Group.OCCASION: gettext_lazy("Times, names and nonces are new in every build: a difference here means nothing."),
}
KIND_WORDS: Final = {
    "added": gettext_lazy("added"),
    "removed": gettext_lazy("removed"),
    "changed": gettext_lazy("changed"),
    "unchanged": gettext_lazy("unchanged"),
}
CHANGE_WORDS: Final = {
    Change.DIGEST: gettext_lazy("same version, different digest"),
    Change.VERSION: gettext_lazy("other version"),
    Change.ADDRESS: gettext_lazy("same bytes, from elsewhere"),
    Change.SIZE: gettext_lazy("same digest, other size"),
}
DIGEST_WITHOUT_VERSION: Final = gettext_lazy("other digest")
_FIELD_TITLES: Final = {
    "source_uri": gettext_lazy("Repository"),
    "ref": gettext_lazy("Ref, as asked for"),
    "git_commit": gettext_lazy("Commit"),
    "git_tree": gettext_lazy("Git tree"),
    "lockfile_sha256": gettext_lazy("Lockfile"),
    "toolchain": gettext_lazy("Toolchain"),
    "build_type": gettext_lazy("Build type"),
    "build_command": gettext_lazy("Command"),
    "builder_id": gettext_lazy("Builder"),
    "merkle_root": gettext_lazy("Root over the inputs"),
    "invocation_id": gettext_lazy("Invocation"),
    "started_on": gettext_lazy("Started"),
    "finished_on": gettext_lazy("Finished"),
    "platform": gettext_lazy("Platform, as the evidence claims"),
    "policy_version": gettext_lazy("Allow-list"),
    "measurement": gettext_lazy("Launch measurement"),
    "host_data": gettext_lazy("Host data"),
    "chip_id": gettext_lazy("Chip id"),
    "report_data": gettext_lazy("Report data"),
    "report_id": gettext_lazy("Report id"),
}


def field_title(name: str) -> str:
    """A field's name for people. What has none is called as in the JSON."""
    if title := _FIELD_TITLES.get(name):
        return str(title)
    head, _dot, rest = name.partition(".")
    if head == "pcrs":
        return _("PCR %(number)s") % {"number": rest}
    if head == "rtmrs":
        return _("RTMR %(number)s") % {"number": rest}
    if head == "tool":
        tool, _dot, what = rest.rpartition(".")
        if what == "version":
            return _("%(tool)s, version") % {"tool": tool}
        return _("%(tool)s, digest") % {"tool": tool}
    if head == "tcb":
        return _("TCB, %(part)s") % {"part": rest.replace(".", ", ")}
    return name


def claims_note(verdicts: tuple[str, str]) -> str:
    """What to say of a comparison whose sides are not both confirmed; empty: they are."""
    if verdicts == ("confirmed", "confirmed"):
        return ""
    if "failed" in verdicts:
        return _("A check failed on at least one side: this compares what the documents say, and not all of them can be relied on.")
    return _("Not both builds are confirmed: this compares what their documents say. What is not established there is a claim here.")
