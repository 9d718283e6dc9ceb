"""What the pages of a submission are made of."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import QueryDict

from kettle_web.builds.forms import RepositoryForm, SubmissionForm, UploadForm
from kettle_web.builds.models import Upload
from kettle_web.builds.preflight import refusals
from kettle_web.builds.sources import Sample, sample_state
from kettle_web.builds.targets import Target, targets
from kettle_web.core.formfiles import FORM_FILE_BYTES

STOCK_LIMIT_BYTES = 1_500_000
"""Of an archive: stock Kettle servers refuse a JSON body over about 2 MB. Source: facts of the Kettle API, POST /build."""

WAYS = ("repository", "upload")


@dataclass(frozen=True)
class NewPage:
    """`templates/builds/new.html`: the submission page, either way."""

    way: str
    """`repository` or `upload`."""
    repository_form: RepositoryForm
    upload_form: UploadForm
    """Both forms; the one of `way` is bound and has the errors after a refused submission."""
    problems: tuple[dict[str, Any], ...]
    """Findings of the pre-flight of a refused or doubtful archive: `{code, severity, message, advice, paths}`."""
    targets: tuple[Target, ...]
    """Servers and pools to choose from, the default first; nothing to choose when there is one, nothing works when there is none."""
    sample: Sample
    form_file_bytes: int
    """What a plain form, without JavaScript, may carry."""
    max_upload_bytes: int
    """What goes up in chunks."""
    stock_limit_bytes: int
    """Above it, a stock Kettle server is likely to refuse the archive."""
    kept: Upload | None = None
    """The archive of a form that came back for another reason: it is here already and need not be chosen again."""

    @property
    def form(self) -> SubmissionForm:
        return self.upload_form if self.way == "upload" else self.repository_form

    @property
    def chosen(self) -> str:
        """Value of the target that is chosen: the one that came with a refused form as long as it is there, else the default."""
        values = [target.value for target in self.targets]
        sent = str(self.form.data.get("endpoint", ""))
        return sent if sent in values else next(iter(values), "")


def new_page(
    *,
    way: str,
    repository_form: RepositoryForm | None = None,
    upload_form: UploadForm | None = None,
    problems: tuple[dict[str, Any], ...] = (),
) -> NewPage:
    initial = {"submission_key": secrets.token_urlsafe(24)}
    return NewPage(
        way=way if way in WAYS else WAYS[0],
        repository_form=repository_form or RepositoryForm(initial=initial),
        upload_form=upload_form or UploadForm(initial=initial),
        problems=problems,
        targets=targets(),
        sample=sample_state(),
        form_file_bytes=FORM_FILE_BYTES,
        max_upload_bytes=settings.MAX_UPLOAD_BYTES,
        stock_limit_bytes=STOCK_LIMIT_BYTES,
    )


def upload_page(form: UploadForm, upload: Upload | None) -> NewPage:
    """The page of a refused upload, with what was found in it; an archive that is fit to be sent stays chosen."""
    if upload is None:
        return new_page(way="upload", upload_form=form)
    kept = upload if upload.sha256 and not refusals(upload.inspection) else None
    data = QueryDict(mutable=True)
    data.update(form.data)
    data["upload"] = kept.uid if kept is not None else ""
    form.data = data
    problems = tuple((upload.inspection or {}).get("problems", ()))
    return replace(new_page(way="upload", upload_form=form, problems=problems), kept=kept)
