"""The invented world: packages, repositories, machines and their images. No database; the same seed gives the same world.

Distribution, all of it from one `random.Random(seed)`:

* Time: three years up to now; the number of builds a day grows evenly from nothing.
* People: twelve, called `seeded-01` and so on; each repository belongs to one, person n to 1/n of the share of the first.
* Repositories: one for every 200 builds, from 20 to 5,000; number n is built 1/n as often as the first (Zipf, exponent 1).
  60 % cargo, 30 % pnpm, 10 % nix; on four hosts under 400 names.
* Dependencies: 2,000 names in each of three ecosystems, ten versions each that come out over the three years, used Zipf with
  exponent 0.7. A repository has 20 to 100 of them, about 60. Every eighth build comes with a new lockfile: one to five of its
  dependencies move to the newest version of that day. One package in 500 changes its digest in mid-life under the same version.
* Commits: nine builds in ten have a new one; the tenth repeats the commit before, and gives the same files eight times in ten.
* Files: one (70 %), two (20 %) or three (10 %), from 200 kB to 40 MB.
* Images: eight of the builder for each platform, one after the other; 48 machines for each platform.
* Verdicts: confirmed 70 %, simulated 12 %, unpinned 8 %, unattested 4 %, incomplete 4 %, failed 2 %, of builds with a result;
  4 % of all builds fail, 1 % are abandoned.
* Origin: repository 80 %, upload 12 %, import 8 %. One build in ten has a label.
* Durations: log-normal, three minutes in the middle, one in a hundred above 25 minutes.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

DAYS: Final = 3 * 365
PEOPLE: Final = 12
NAMES: Final = 2000
VERSIONS: Final = 10
IMAGES: Final = 8
MACHINES: Final = 48
ECOSYSTEMS: Final = {"cargo": "cargo", "pnpm": "npm", "nix": "nix"}
"""Toolchain to the ecosystem of its dependencies."""
PLATFORMS: Final = {"snp": 30, "az-snp": 30, "gcp-snp": 20, "tdx": 10, "az-tdx": 5, "gcp-tdx": 5}
VERDICTS: Final = {"confirmed": 70, "simulated": 12, "unpinned": 8, "unattested": 4, "incomplete": 4, "failed": 2}
HOSTS: Final = ("github.com", "gitlab.com", "codeberg.org", "git.example.org")
KNOWN: Final = {
    "cargo": ("serde", "tokio", "syn", "libc", "rand", "regex", "log", "anyhow"),
    "npm": ("react", "lodash", "typescript", "esbuild", "chalk", "semver", "ws", "zod"),
    "nix": ("glibc", "openssl", "xz", "zlib", "bash", "coreutils", "gcc", "curl"),
}
"""Names that people search for come first, and so are the most used."""
_SYLLABLES: Final = (
    "ar",
    "bel",
    "cor",
    "dan",
    "el",
    "fir",
    "gan",
    "hal",
    "is",
    "jor",
    "kel",
    "lum",
    "mar",
    "nor",
    "os",
    "pel",
    "quil",
    "ras",
)


def digest_of(*parts: object) -> bytes:
    """Give 32 bytes that look like a digest and always are the same for the same parts."""
    return hashlib.sha256("\0".join(["kettle seed", *map(str, parts)]).encode()).digest()


def hex_of(size: int, *parts: object) -> str:
    """Give `size` bytes in hex, the same for the same parts."""
    return (digest_of(*parts) + digest_of("more", *parts))[:size].hex()


@dataclass(frozen=True)
class Machine:
    """A platform's image and chip of one build."""

    platform: str
    measurement: str
    chip_id: str
    pcrs: tuple[str, ...]


@dataclass
class Project:
    """A repository as it is on the day of its latest build."""

    number: int
    url: str
    toolchain: str
    owner: int
    packages: dict[int, int] = field(default_factory=dict)
    """Name's number to version's number."""
    lock: int = 0
    """Which set of dependencies, of all that there ever were; 0: none yet."""
    commit: int = 0
    files: tuple[str, ...] = ()


class World:
    """What builds are drawn from."""

    def __init__(self, *, builds: int, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a history for measurements, nothing secret.
        self.seed = seed
        self.names = {ecosystem: self._names(ecosystem) for ecosystem in KNOWN}
        count = min(5000, max(20, builds // 200))
        people = list(accumulate(1 / (place + 1) for place in range(PEOPLE)))
        self.projects = [self._project(number, people) for number in range(count)]
        self.popularity = list(accumulate(1 / (place + 1) for place in range(count)))
        self.use = list(accumulate(1 / (place + 1) ** 0.7 for place in range(NAMES)))

    def _word(self) -> str:
        return "".join(self.random.choices(_SYLLABLES, k=self.random.choice((2, 2, 3))))

    def _names(self, ecosystem: str) -> list[str]:
        names = dict.fromkeys(KNOWN[ecosystem])
        while len(names) < NAMES:
            name = self._word()
            if self.random.random() < 0.5:
                name += f"-{self._word()}"
            names[f"@{self._word()}/{name}" if ecosystem == "npm" and self.random.random() < 0.3 else name] = None
        return list(names)

    def _project(self, number: int, people: list[float]) -> Project:
        toolchain = self.random.choices(("cargo", "pnpm", "nix"), (60, 30, 10))[0]
        host = self.random.choices(HOSTS, (70, 15, 10, 5))[0]
        url = f"https://{host}/{self._word()}{self.random.randrange(25)}/{self._word()}-{number}.git"
        owner = self.random.choices(range(PEOPLE), cum_weights=people)[0]
        return Project(number, url, toolchain, owner)

    def version(self, name: int, day: int) -> int:
        """Give the newest version of a package on a day: each name has its own rhythm."""
        return min(VERSIONS - 1, (day + (name * 37) % 110) * VERSIONS // (DAYS + 110))

    def version_text(self, name: int, version: int) -> str:
        return f"{name % 5}.{version * (1 + name % 3)}.{(name * 7 + version) % 12}"

    def machine(self, day: int) -> Machine:
        platform = self.random.choices(list(PLATFORMS), list(PLATFORMS.values()))[0]
        image = min(IMAGES - 1, (day + len(platform) * 11) * IMAGES // (DAYS + 80))
        chip = self.random.randrange(MACHINES)
        registers = tuple(hex_of(32, "pcr", platform, image, register) for register in (4, 11)) if platform.startswith("az-") else ()
        return Machine(platform, hex_of(48, "image", platform, image), hex_of(64, "chip", platform, chip), registers)
