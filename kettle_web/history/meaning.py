"""What a word or filter means in the database: numbers of the search index, or the few builds that carry an exact value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet

from kettle_web.builds.models import Attempt
from kettle_web.builds.selectors import builds_for_viewer, digest_keys
from kettle_web.history.filters import CHOICES, Filter
from kettle_web.history.of_builds import rows_visible
from kettle_web.history.reading import MIN_FILE_PREFIX, Reading, query_read
from kettle_web.history.titles import address_core, address_spellings
from kettle_web.verifications.models import Artifact, BuildIndex, BuildPackage, PackageDigest, Repository
from kettle_web.verifications.search import dictionary
from kettle_web.verifications.search.dictionary import Found
from kettle_web.verifications.search.tokens import Family, Kind, address_parts, token

BUILDS_MAX: Final = 1001
"""Builds with one exact value that are looked at, the newest."""
DIGESTS_MAX: Final = 10
"""Packages with one digest that are looked at."""
_KINDS: Final = {
    "verdict": (Kind.VERDICT,),
    "state": (Kind.STATE,),
    "platform": (Kind.PLATFORM,),
    "toolchain": (Kind.TOOLCHAIN,),
    "origin": (Kind.ORIGIN,),
    "ref": (Kind.REF,),
    "tool": (Kind.TOOL, Kind.TOOL_DIGEST),
    "measurement": (Kind.MEASUREMENT,),
    "chip": (Kind.CHIP,),
    "pcr": (Kind.PCR, Kind.RTMR),
}


@dataclass(frozen=True)
class Meaning:
    """Builds that a word or a filter means: those with any of the numbers, and those named."""

    tokens: frozenset[int] = frozenset()
    builds: frozenset[int] = frozenset()
    is_cut: bool = False
    """More names match than are looked at."""

    def __or__(self, other: Meaning) -> Meaning:
        return Meaning(self.tokens | other.tokens, self.builds | other.builds, self.is_cut or other.is_cut)


def word_meaning(reading: Reading, viewer: User) -> Meaning:
    """Give what a word means to a viewer."""
    meaning = Meaning()
    if reading.tool:
        meaning |= _found(dictionary.whole(reading.tool))
    if reading.package:
        return meaning | _found(dictionary.packages(reading.package, version=reading.version, ecosystem=reading.ecosystem))
    if reading.text:
        meaning |= _found(_text(reading))
    if builds := _exact(reading, viewer):
        meaning |= Meaning(builds=frozenset(builds))
    if reading.digest:
        meaning |= _dependencies(reading.digest, viewer)
    return meaning


def _found(found: Found) -> Meaning:
    return Meaning(found.tokens, is_cut=found.is_cut)


def _text(reading: Reading) -> Found:
    text = reading.text
    found = dictionary.whole(text)
    if reading.digest or len(text) > 64:
        return found
    # Words without a slash lie within one step of an address, and those are words of the dictionary.
    return found | dictionary.parts(text) | (dictionary.repositories(reading.address) if reading.address else Found())


def filter_meaning(item: Filter, viewer: User) -> Meaning:
    """Give what one value of a filter means."""
    name, value = item.name, item.value
    if name in CHOICES:
        return _found(dictionary.chosen(_KINDS[name][0], [value]))
    if name == "repo":
        if known := list(Repository.objects.filter(url__in=address_spellings(value)).values_list("pk", flat=True)):
            return Meaning(frozenset(token(Family.REPOSITORY, pk) for pk in known))
        has_path = len(address_parts(value)) > 1 or "/" in value
        return _found(dictionary.repositories(address_core(value)) if has_path else dictionary.parts(value, (Kind.ADDRESS,)))
    if name == "dep":
        reading = query_read(value)
        if reading.package:
            return word_meaning(reading, viewer)
        return _found(dictionary.packages(value))
    if name in ("file", "label"):
        return _found(dictionary.parts(value, (Kind.FILE,) if name == "file" else (Kind.LABEL,)))
    if name == "commit":
        return Meaning(builds=frozenset(_commits(value.lower(), viewer)))
    if name == "by":
        # Someone who does not exist and someone whose builds are hidden are the same: no build is found.
        people = User.objects.filter(username__iexact=value).values_list("pk", flat=True)[:BUILDS_MAX]
        ids = [viewer.pk] if value == "me" else list(people)
        return Meaning(frozenset(token(Family.OWNER, pk) for pk in ids))
    return _found(dictionary.whole(value, _KINDS[name]))


def _exact(reading: Reading, viewer: User) -> set[int]:
    """Ids of the newest builds that the viewer may see and that carry what was typed as one of their own values.

    Each column is asked by itself: of conditions joined by «or» the databases walk every build.
    """
    found: set[int] = set()
    if reading.sha256_hex:
        found |= _digests(reading.sha256_hex, viewer)
    if reading.hex_prefix:
        found |= _commits(reading.hex_prefix, viewer)
        if MIN_FILE_PREFIX <= len(reading.hex_prefix) < 64:
            found |= _files(reading.hex_prefix, viewer)
    if reading.nonce_hex:
        found |= _of_index(viewer, nonce=reading.nonce_hex)
        found |= _few(Attempt.objects.filter(nonce=bytes.fromhex(reading.nonce_hex)), viewer)
    if reading.uid:
        found |= _of_build(viewer, uid=reading.uid)
    if reading.job_id:
        found |= _of_build(viewer, job_id=reading.job_id)
    return found


def _digests(sha256_hex: str, viewer: User) -> set[int]:
    found = _newest(Artifact.objects.filter(sha256=bytes.fromhex(sha256_hex)), viewer)
    for name in ("lockfile_sha256", "merkle_root"):
        found |= _of_index(viewer, **{name: sha256_hex})
    keys = frozenset[int]().union(*digest_keys(sha256_hex).values())
    return found | set(builds_for_viewer(viewer).filter(pk__in=[0, *keys]).order_by("-pk").values_list("pk", flat=True)[:BUILDS_MAX])


def _files(prefix: str, viewer: User) -> set[int]:
    """Files whose digest begins so: a range of the index of digests."""
    low, high = bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))
    return _few(Artifact.objects.filter(sha256__gte=low, sha256__lte=high), viewer)


def _dependencies(digest: str, viewer: User) -> Meaning:
    """Builds that state a digest for a dependency: where a package only ever had one, those that contain the package."""
    stated = list(PackageDigest.objects.filter(digest=digest).values_list("pk", "package_id")[:DIGESTS_MAX])
    counts = Counter(PackageDigest.objects.filter(package__in=[pk for _pk, pk in stated]).values_list("package_id", flat=True))
    tokens = frozenset(token(Family.PACKAGE, package_id) for _pk, package_id in stated if counts[package_id] == 1)
    builds: set[int] = set()
    for pk, package_id in stated:
        if counts[package_id] > 1:
            builds |= _newest(BuildPackage.objects.filter(package_id=package_id, digest_id=pk), viewer)
    return Meaning(tokens, frozenset(builds))


def _commits(prefix: str, viewer: User) -> set[int]:
    """Commits and trees that begin so: a range, which an index answers everywhere; «g» follows the last hex digit."""
    if not prefix:
        return set()
    end = prefix + "g"
    return _of_index(viewer, git_commit__gte=prefix, git_commit__lt=end) | _of_index(viewer, git_tree__gte=prefix, git_tree__lt=end)


def _of_index(viewer: User, **values: str) -> set[int]:
    return _few(BuildIndex.objects.filter(**values), viewer)


def _of_build(viewer: User, **values: str) -> set[int]:
    rows = builds_for_viewer(viewer).filter(**values).order_by((F("pk") + 0).desc())
    return set(rows.values_list("pk", flat=True)[:BUILDS_MAX])


def _newest(rows: QuerySet[Artifact] | QuerySet[BuildPackage], viewer: User) -> set[int]:
    """The builds of rows that an index holds in the order of builds, as far as the viewer may see them."""
    return set(rows_visible(rows, viewer).order_by("-build_id").values_list("build_id", flat=True)[:BUILDS_MAX])


def _few(rows: QuerySet[Any], viewer: User) -> set[int]:
    """The builds of rows that an index finds and that are few. Sorted by a sum, or the planner would walk all builds in order."""
    return set(rows_visible(rows, viewer).order_by((F("build_id") + 0).desc()).values_list("build_id", flat=True)[:BUILDS_MAX])


def running_condition(reading: Reading) -> Q:
    """What a word means for a build that is not indexed yet: it runs, so there are few of them."""
    own = Q()
    if reading.uid:
        own |= Q(uid=reading.uid)
    if reading.job_id:
        own |= Q(job_id=reading.job_id)
    if reading.nonce_hex:
        own |= Q(attempts__nonce=bytes.fromhex(reading.nonce_hex))
    if reading.sha256_hex:
        own |= Q(source_sha256=reading.sha256_hex)
    if reading.hex_prefix:
        own |= Q(resolved_commit__startswith=reading.hex_prefix) | Q(source_claimed_commit__startswith=reading.hex_prefix)
    if reading.text and not reading.digest:
        own |= Q(repo_url__icontains=reading.address or reading.text)
        for name in ("repo_ref", "source_name", "label"):
            own |= Q(**{f"{name}__icontains": reading.text})
    return own if own else Q(pk__in=())


def running_filter(item: Filter) -> Q | None:
    """What a filter means for a build that runs; None: nothing that is known before its end."""
    value = item.value
    fields = {"repo": "repo_url__icontains", "label": "label__icontains", "ref": "repo_ref__iexact", "origin": "origin"}
    if item.name in fields:
        return Q(**{fields[item.name]: value})
    if item.name == "commit":
        return Q(resolved_commit__startswith=value.lower()) | Q(source_claimed_commit__startswith=value.lower())
    if item.name == "by":
        return Q(owner__username__iexact=value)
    return None
