"""What platforms, registers and firmware components are called, and what each of them measures."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

FAMILY_TITLES: Final = {
    "snp": _("AMD SEV-SNP"),
    "az-snp": _("AMD SEV-SNP on Azure"),
    "tdx": _("Intel TDX"),
    "az-tdx": _("Intel TDX on Azure"),
}
PCR_MEANINGS: Final = {
    0: _("Firmware code"),
    1: _("Firmware settings"),
    2: _("Code of add-on devices"),
    3: _("Settings of add-on devices"),
    4: _("Boot loader or unified kernel image, as the firmware started it"),
    5: _("Boot loader settings and partition table"),
    6: _("The maker's own events"),
    7: _("Secure Boot: its state, keys and who signed what was started"),
    8: _("Boot loader commands and kernel command line (GRUB); init data, where there is any"),
    9: _("Files that the boot loader read: kernel and initrd"),
    10: _("Files opened by the running system (IMA): differs from run to run"),
    11: _("Unified kernel image: kernel, initrd, command line (systemd-stub)"),
    12: _("Overrides from outside the image: command line, credentials"),
    13: _("System extensions"),
    14: _("Keys enrolled beside Secure Boot (shim)"),
    15: _("Machine id and file systems (systemd): often differs between machines"),
    16: _("For debugging: software can reset it"),
    23: _("For applications: software can reset it"),
}
"""Source: TCG PC Client Platform Firmware Profile, section 3.3.4, and the Linux TPM PCR Registry."""
PCR_LATE_LAUNCH: Final = _("Late launch: all ones where it is not used")
"""17 to 22."""
RTMR_MEANINGS: Final = {
    0: _("Settings of the virtual firmware, and the machine's shape: differs with its size"),
    1: _("Boot loader and kernel"),
    2: _("Kernel command line and initrd"),
    3: _("What runs on top: applications measure themselves into it"),
}
"""Source: Intel TDX Virtual Firmware Design Guide, section 8.1."""
COMPONENT_TITLES: Final = {
    "fmc": _("FMC (Turin only)"),
    "bootloader": _("Boot loader"),
    "tee": _("TEE"),
    "snp": _("SNP firmware"),
    "microcode": _("Microcode"),
}
STANDING_WORDS: Final = {
    "in-force": _("in force"),
    "upcoming": _("upcoming"),
    "waiting": _("waiting for approval"),
    "ended": _("ended"),
}


def measurement_title(family: str) -> str:
    """What the processor's measurement is called there."""
    return "MRTD" if family.endswith("tdx") else str(_("Launch measurement"))


def pcr_meaning(index: int) -> str:
    return str(PCR_MEANINGS.get(index, PCR_LATE_LAUNCH))
