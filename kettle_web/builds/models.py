"""Rows of a build's life. Everything that a page shows of a running build is here; messages elsewhere are only
bells.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kettle_web.builds.projects import project_key, slug_make
from kettle_web.builds.states import Fault, State
from kettle_web.core.ids import uid_new


class Pool(models.Model):
    """Confidential VMs that build once each, behind one name: a build takes whichever is free."""

    name = models.CharField(max_length=100, unique=True)
    operator = models.CharField(max_length=200, blank=True, default="")
    """Who runs the machines and may read the source, in words."""
    dialect = models.CharField(max_length=10, default="json")
    """Of machines that the provisioning program supplies: `Endpoint.Dialect`."""
    attests = models.BooleanField(default=True)
    is_enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    is_provisioned = models.BooleanField(default=False)
    """Whether the program or webhook of the environment supplies machines."""
    min_ready = models.PositiveIntegerField(default=0)
    """Machines to keep at hand beyond what waits for one."""
    max_machines = models.PositiveIntegerField(default=4)
    """That exist at once: asked for, ready, in use, or spent and not yet destroyed."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Endpoint(models.Model):
    """A Kettle server that builds may be sent to; with a `pool`, one of the machines of that pool."""

    class Kind(models.TextChoices):
        SERVICE = "service", _("Service: any number of builds")
        ONE_SHOT = "one-shot", _("One-shot: a machine that builds once")

    class Dialect(models.TextChoices):
        JSON = "json", _("JSON: job, events, result")
        MULTIPART = "multipart", _("Multipart: the answer is the finished result")

    class ManagedBy(models.TextChoices):
        ENVIRONMENT = "environment", _("from the environment")
        SITE = "site", _("by administrators")
        PROVISIONER = "provisioner", _("by the provisioning program")

    class Provision(models.TextChoices):
        NONE = "", _("not provisioned")
        REQUESTED = "requested", _("asked for")
        READY = "ready", _("ready")
        DESTROYED = "destroyed", _("destroyed")

    name = models.CharField(max_length=100, unique=True)
    base_url = models.CharField(max_length=500, blank=True)
    """Without a slash at the end. Empty only while a machine is asked for."""
    token_encrypted = models.TextField(blank=True, default="")
    """Bearer token, encrypted by `core.secrets`; empty when the server asks for none."""
    token_origin = models.CharField(max_length=300, blank=True, default="")
    """The one origin that the token may be sent to: it is bound to it when it is stored."""
    attests = models.BooleanField(default=True)
    """Whether a result without evidence is a failure (True) or merely unattested."""
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SERVICE)
    dialect = models.CharField(max_length=10, choices=Dialect.choices, default=Dialect.JSON)
    managed_by = models.CharField(max_length=12, choices=ManagedBy.choices, default=ManagedBy.ENVIRONMENT)
    """Whose word the address is: one from the site may be a private one only where the environment allows the host."""
    operator = models.CharField(max_length=200, blank=True, default="")
    """Who runs it and may read the source, in words."""
    max_running = models.PositiveIntegerField(null=True, blank=True)
    """Builds at a time; 0: any number; empty: as the environment says."""
    is_embedded = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    is_default_chosen = models.BooleanField(default=False)
    """An administrator made it the default: a start of the site does not change that."""
    is_enabled = models.BooleanField(default=True)

    health_checked_at = models.DateTimeField(null=True, blank=True)
    """When it was last asked; empty: it is due."""
    health_ok_at = models.DateTimeField(null=True, blank=True)
    health_failed_at = models.DateTimeField(null=True, blank=True)
    health_failures = models.PositiveIntegerField(default=0)
    """In a row; see `builds.health`."""
    health_error = models.TextField(blank=True, default="")

    pool = models.ForeignKey(Pool, null=True, blank=True, on_delete=models.PROTECT, related_name="machines")
    leased_build = models.OneToOneField("Build", null=True, blank=True, on_delete=models.SET_NULL, related_name="machine")
    """Of a one-shot machine: the one build that it is for."""
    spent_at = models.DateTimeField(null=True, blank=True)
    """Of a one-shot machine: it had its build, or may have had it. Never used again."""
    spent_reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    provision = models.CharField(max_length=10, choices=Provision.choices, blank=True, default=Provision.NONE)
    provision_key = models.CharField(max_length=32, blank=True, default="")
    """What the provisioning program knows the machine by: asked twice with one key, it gives one machine."""
    provision_ref = models.CharField(max_length=200, blank=True, default="")
    """The program's own name of the machine."""
    provision_tries = models.PositiveIntegerField(default=0)
    provision_next_at = models.DateTimeField(null=True, blank=True)
    provision_until = models.DateTimeField(null=True, blank=True)
    """A call for this machine is under way, no longer than until then."""
    provision_error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-is_default", "name")
        indexes = (models.Index(fields=["pool", "spent_at"], name="endpoint_pool_spent"),)

    def __str__(self) -> str:
        return self.name


class Queue(models.Model):
    """One row: whoever decides which build is next holds it, so that two workers never give one place away twice."""

    passes = models.BigIntegerField(default=0)
    per_user = models.PositiveIntegerField(null=True, blank=True)
    """Builds of one person at a time; 0: any number; empty: as the environment says."""

    def __str__(self) -> str:
        return "queue"


class Upload(models.Model):
    """An archive on its way up in chunks. Its bytes are in one partial file in the data folder until it is complete."""

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    """Hex; empty until the upload is complete and its bytes are stored."""
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)
    inspection: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    """What the pre-flight found in the archive (`builds.preflight`); empty until the upload is complete."""

    def __str__(self) -> str:
        return self.uid


class Project(models.Model):
    """A repository that builds were requested from by its URL."""

    key = models.CharField(max_length=20, unique=True)
    """`builds.projects.project_key` of the address."""
    url = models.CharField(max_length=2000)
    """As it was first asked for."""

    def __str__(self) -> str:
        return self.url

    @property
    def slug(self) -> str:
        return slug_make(self.url, self.key)


class AgainWay(models.TextChoices):
    """How a build repeats an earlier one."""

    RETRY = "retry", _("a retry")
    SAME = "same", _("the same source again")
    PRESENT = "present", _("the same request at the ref's present commit")


class Build(models.Model):
    """One build: what was asked for, where it stands, what came back."""

    class Origin(models.TextChoices):
        REPOSITORY = "repository", _("Git repository")
        UPLOAD = "upload", _("Uploaded archive")
        IMPORT = "import", _("Imported bundle")

    uid = models.CharField(max_length=26, unique=True, default=uid_new)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="builds")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    label = models.CharField(max_length=200, blank=True, default="")
    submission_key = models.CharField(max_length=64, blank=True, default="")
    """Made with the form: a form sent twice is one build. Empty where there was none."""

    origin = models.CharField(max_length=12, choices=Origin.choices)
    repo_url = models.CharField(max_length=2000, blank=True, default="")
    repo_ref = models.CharField(max_length=255, blank=True, default="")
    """Branch, tag or commit as asked for; empty: the repository's default branch."""
    resolved_commit = models.CharField(max_length=64, blank=True, default="")
    """What the ref pointed to at submission, hex; empty: could not be established."""
    source_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    """The uploaded archive, hex, content-addressed in storage."""
    source_name = models.CharField(max_length=255, blank=True, default="")
    source_size = models.BigIntegerField(null=True, blank=True)
    source_git_tree = models.CharField(max_length=64, blank=True, default="")
    """Git tree of the uploaded files as we computed it, hex; empty: not an upload, or not computable."""
    source_lockfile_sha256 = models.CharField(max_length=64, blank=True, default="")
    source_claimed_commit = models.CharField(max_length=64, blank=True, default="")
    """HEAD of the archive's own .git: its claim, no more."""

    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.PROTECT, related_name="builds")
    """Empty: not requested by URL. Set when the row is made (`save`); whoever makes rows in bulk sets it with them."""

    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="builds")
    pool = models.ForeignKey(Pool, null=True, blank=True, on_delete=models.PROTECT, related_name="builds")
    """Where it was submitted to a pool; `endpoint` is then the machine, empty until one is leased."""
    queue_position = models.PositiveIntegerField(null=True, blank=True)
    """Place in the line of its endpoint or pool, from 1; empty: not known yet, or not waiting."""
    queue_reason = models.CharField(max_length=20, blank=True, default="")
    """Why it waits: `builds.queue_plan.Reason`."""
    queue_starts_at = models.DateTimeField(null=True, blank=True)
    """About when it may begin, from recent builds; empty: unknown."""
    remote_position = models.PositiveIntegerField(null=True, blank=True)
    """Place in the server's own line, as it last said."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    state_since = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=10, choices=Fault.choices, blank=True, default="")
    failure_code = models.CharField(max_length=60, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")

    lease_owner = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True, db_index=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    """Not to be tried before; empty: at once."""
    dispatched_at = models.DateTimeField(null=True, blank=True)
    """When the task of the present state was last put into the queue: keeps the sweeper from filling it."""
    tries = models.PositiveIntegerField(default=0)
    """Failed tries of the present step; a new state starts again at zero."""

    job_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    last_seq = models.BigIntegerField(default=0)
    """Number of the last stored event; the first is 1."""
    remote_count = models.BigIntegerField(default=0)
    """How many events of the server's own stream are dealt with: where a resumed stream continues."""
    log_epoch = models.PositiveIntegerField(default=0)
    """Raised whenever stored events are replaced because the server's own replay differs: pages start their log
    afresh.
    """
    log_bytes = models.BigIntegerField(default=0)
    """Sum of the stored events' texts in bytes of UTF-8: the log is capped."""
    last_heard_at = models.DateTimeField(null=True, blank=True)
    """When the server last said anything about this build; bounds how long a silent one is waited for."""

    phase_times: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    """Type of the server's events -> when its first one came, Unix time in milliseconds."""
    building_at = models.DateTimeField(null=True, blank=True)
    fetching_at = models.DateTimeField(null=True, blank=True)
    verifying_at = models.DateTimeField(null=True, blank=True)
    """When each of these states began."""

    result_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    result_size = models.BigIntegerField(null=True, blank=True)
    provenance_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)

    verdict = models.CharField(max_length=12, blank=True, default="")
    """Of the newest report, as of then; empty: not judged yet. Written with the report, never alone."""
    headline = models.TextField(blank=True, default="")
    platform = models.CharField(max_length=12, blank=True, default="")

    again_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="built_again")
    """The earlier build that this one repeats; empty: it is the first, or that one is gone."""
    again_way = models.CharField(max_length=8, choices=AgainWay.choices, blank=True, default="")

    log_removed_at = models.DateTimeField(null=True, blank=True)
    result_removed_at = models.DateTimeField(null=True, blank=True)
    artifacts_removed_at = models.DateTimeField(null=True, blank=True)
    source_removed_at = models.DateTimeField(null=True, blank=True)
    """When this site let go of them because it keeps them only so long (`builds.retention`); their digests stay."""

    class Meta:
        ordering = ("-id",)
        indexes = (
            # What retention still has to look at, oldest first.
            models.Index(fields=["finished_at"], name="build_log_kept", condition=models.Q(log_removed_at=None)),
            models.Index(fields=["finished_at"], name="build_result_kept", condition=models.Q(result_removed_at=None)),
            models.Index(fields=["finished_at"], name="build_artifacts_kept", condition=models.Q(artifacts_removed_at=None)),
            models.Index(fields=["finished_at"], name="build_source_kept", condition=models.Q(source_removed_at=None)),
            models.Index(fields=["owner", "-id"], name="build_owner_newest"),
            models.Index(fields=["state", "-id"], name="build_state_newest"),
            models.Index(fields=["verdict", "-id"], name="build_verdict_newest"),
            models.Index(fields=["project", "-id"], name="build_project_newest"),
            models.Index(fields=["project", "repo_ref", "-id"], name="build_project_ref_newest"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "submission_key"], name="build_submission_once", condition=~models.Q(submission_key="")
            ),
        )

    def __str__(self) -> str:
        return self.uid

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row; a new request by URL is put to its project."""
        if self._state.adding and self.origin == self.Origin.REPOSITORY and self.repo_url and self.project_id is None:
            self.project = Project.objects.get_or_create(key=project_key(self.repo_url), defaults={"url": self.repo_url})[0]
        super().save(*args, **kwargs)


class Attempt(models.Model):
    """One POST /build. Its nonce is stored before it is sent, so that evidence made for it can be recognised."""

    class Outcome(models.TextChoices):
        PREPARED = "prepared", _("Not sent yet")
        SENT = "sent", _("Sent, no answer known")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        UNKNOWN = "unknown", _("Outcome unknown")

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    nonce = models.BinaryField(max_length=16, db_index=True)
    """16 random bytes, never all zero."""
    nonce_made_by = models.CharField(max_length=10, choices=[("browser", _("browser")), ("server", _("server")), ("api", _("API client"))])
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="attempts")
    """Where it was sent; empty: nowhere yet."""
    is_nonce_sent = models.BooleanField(default=True)
    """False for a server whose dialect has no place for a nonce: nothing can be bound to it."""
    cut_at = models.DateTimeField(null=True, blank=True)
    """When a part of the request, not all of it, had left and the connection broke."""
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PREPARED)
    detail = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["build", "number"], name="attempt_number_once"),)

    def __str__(self) -> str:
        return f"{self.build_id}/{self.number}"

    @property
    def nonce_hex(self) -> str:
        return bytes(self.nonce).hex()


class EventChunk(models.Model):
    """A run of consecutive events of one build, compressed: zlib over one JSON array per line, UTF-8.

    Each line is `[seq, unix time in milliseconds, type, text, extra]`; see `kettle_web.builds.eventlog`.
    """

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="event_chunks")
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    lines = models.PositiveIntegerField(default=0)
    """How many lines its events make; 0: not counted when it was written."""
    size = models.PositiveIntegerField(default=0)
    """Bytes of the events' texts; small neighbours are merged."""
    payload = models.BinaryField()

    class Meta:
        ordering = ("first_seq",)
        constraints = (models.UniqueConstraint(fields=["build", "first_seq"], name="event_chunk_once"),)

    def __str__(self) -> str:
        return f"{self.build_id}/{self.first_seq}–{self.last_seq}"


class SealedLog(models.Model):
    """The log of a build that has ended, in one compressed object of the blob storage (`kettle_web.builds.logformat`).

    Committed together with the removal of the build's chunks: a log is either here or there.
    """

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="sealed_log")
    sha256 = models.CharField(max_length=64, db_index=True)
    """Hex, content-addressed in storage."""
    size = models.BigIntegerField()
    """Bytes of that object."""
    events = models.BigIntegerField()
    lines = models.BigIntegerField()
    error_line = models.BigIntegerField(null=True, blank=True)
    """Number of the first line that reads like an error; empty: none does."""
    sealed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.build_id}: {self.lines}"
