"""What the walls' namespaces do not cover: a filter of system calls, as bubblewrap takes it (`--seccomp`).

Sockets of the machine's hypervisor (AF_VSOCK) and other rare families belong to no network namespace: inside a virtual machine they
would reach the host. Keyrings are inherited from the server. io_uring makes sockets past any filter; bpf, perf events and
userfaultfd are no build's business, and a rich source of kernel faults. What is filtered is answered as by a kernel that lacks it.

Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst and uapi/linux/{filter,audit}.h of Linux; numbers of
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

import errno
import os
import struct
import sys
from functools import lru_cache

FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: each of them has namespaces."""
MACHINES = {
    0xC000003E: (41, (248, 249, 250, 298, 321, 323, 425, 426, 427)),
    0xC00000B7: (198, (217, 218, 219, 241, 280, 282, 425, 426, 427)),
}
"""By the audit number of x86-64 and of arm64: socket; add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, io_uring_*."""
X32 = 0x40000000
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
"""Where they stand in `struct seccomp_data`; the argument's lower half on a little-endian machine."""
ALLOW, ERROR = 0x7FFF0000, 0x00050000


def filter_program() -> bytes:
    """Give the filter: classic BPF, 8 bytes an instruction. A machine other than those known has no system call that it allows."""
    rows = [(LOAD, 0, 0, MACHINE)]
    for machine, (socket, others) in MACHINES.items():
        body = [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), _refuse(errno.ENOSYS)]
        for number in others:
            body += [(EQUAL, 0, 1, number), _refuse(errno.ENOSYS)]
        body += [(EQUAL, 1, 0, socket), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT)]
        for family in FAMILIES:
            body += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
        body.append(_refuse(errno.EAFNOSUPPORT))
        rows += [(EQUAL, 0, len(body), machine), *body]
    rows.append(_refuse(errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *row) for row in rows)


def _refuse(number: int) -> tuple[int, int, int, int]:
    return (RETURN, 0, 0, ERROR | number)


@lru_cache(maxsize=1)
def filter_path() -> str:
    """Give a path where the filter can be read while this process lives; "" on a machine that it is not for."""
    if sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"):
        return ""
    descriptor = os.memfd_create("kettle-filter")
    os.write(descriptor, filter_program())
    return f"/proc/{os.getpid()}/fd/{descriptor}"
