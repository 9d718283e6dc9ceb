from pathlib import Path
from types import SimpleNamespace

import pytest
from django.template import engines
from django.template.loader import get_template, render_to_string

from kettle_web.core.templatetags import kettle

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*.html"))

FILES = {"sharing/proof.html", "sharing/verifier_file.html"}
"""No pages of the site but files that must work without it: their scripts and styles are inside, known to a policy of their own."""


def render(source: str, **context) -> str:
    return engines["django"].from_string(source).render(context)


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_compiles(name):
    get_template(name)


@pytest.mark.parametrize("name", sorted(FILES))
def test_file_allows_its_own_script_and_style_alone(name):
    text = (ROOT / "templates" / name).read_text()
    assert 'http-equiv="Content-Security-Policy" content="{{ page.csp }}"' in text
    assert "style=" not in text
    assert " onclick" not in text
    assert "src=" not in text


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name not in FILES])
def test_template_has_no_inline_script_or_style(name):
    text = (ROOT / "templates" / name).read_text()
    assert "style=" not in text
    assert "<style" not in text
    assert " onclick" not in text
    assert all("src=" in line for line in text.splitlines() if "<script" in line)


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_never_turns_escaping_off(name):
    text = (ROOT / "templates" / name).read_text()
    assert "|safe" not in text
    assert "autoescape off" not in text


def test_every_icon_that_is_named_is_drawn():
    drawn = (ROOT / "static/icons/icons.svg").read_text()
    shapes = {*kettle.STATE_SHAPES.values(), *kettle.PHASE_SHAPES.values(), *kettle.OUTCOME_WORDS, "running"}
    shapes |= {f"verdict-{name}" for name in kettle.VERDICT_WORDS}
    for name in TEMPLATES:
        for piece in (ROOT / "templates" / name).read_text().split('{% icon "')[1:]:
            word = piece.split('"')[0]
            if not word.endswith("-"):
                shapes.add(word)
    assert not [shape for shape in shapes if f'id="{shape}"' not in drawn]


@pytest.mark.parametrize("verdict", list(kettle.VERDICT_WORDS))
def test_verdict_tag_has_word_and_shape_of_its_own(verdict):
    html = render("{% verdict_tag verdict %}", verdict=verdict)
    assert str(kettle.VERDICT_WORDS[verdict]) in html
    assert f"#verdict-{verdict}" in html


def test_unknown_verdict_is_text_and_no_shape():
    html = render("{% verdict_tag verdict %}", verdict="<b>")
    assert "&lt;b&gt;" in html
    assert "<svg" not in html


def test_running_state_is_told_by_its_word():
    assert "Building" in render("{% state_chip 'building' %}")


@pytest.mark.parametrize(
    ("kind", "file"),
    [("unpinned", "favicon-caution.svg"), ("incomplete", "favicon-caution.svg"), ("failed", "favicon-failed.svg"), ("../x", "favicon.svg")],
)
def test_favicon_is_one_of_ours(kind, file):
    url = kettle.favicon(kind)
    assert url.endswith(f"/{file}")
    assert (ROOT / "static/icons" / file).exists()


def test_absent_digest_is_said():
    assert "not stated" in render("{% digest '' %}")


def test_log_text_of_a_failing_form_field_names_its_error():
    from django import forms

    class Form(forms.Form):
        name = forms.CharField(help_text="A hint.")

    form = Form({"name": ""})
    html = render("{% field form.name %}", form=form)
    assert 'aria-describedby="id_name_hint id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_error"' in html


def test_tally_counts_by_outcome():
    counted = kettle.tally([SimpleNamespace(outcome=outcome) for outcome in ("pass", "pass", "fail", "skipped", "error")])
    assert (counted.total, counted.passed, counted.failed, counted.skipped, counted.error) == (5, 2, 1, 1, 1)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-05T07:06:04", "2026-99-05T07:06:04Z"])
def test_time_without_zone_or_sense_is_no_moment(text):
    assert kettle.as_moment(text) is None


def test_error_of_ours_is_shown_without_request_and_context():
    assert "Error 500" in render_to_string("500.html")


def artifact_rows(count: int) -> str:
    rows = [
        SimpleNamespace(name=f"tool-{n}", sha256="ab" * 32, size=1, outcome="skipped", word="not checked", reason="left out")
        for n in range(count)
    ]
    return render_to_string("verifications/_artifacts.html", {"report": SimpleNamespace(artifacts=rows, artifact_count=count)})


def test_long_table_has_a_box_and_a_search_and_a_short_one_has_not():
    long = artifact_rows(kettle.LONG_TABLE_ROWS + 1)
    assert 'data-find="artifact-table"' in long
    assert 'tabindex="0" role="region" aria-labelledby="artifacts"' in long
    assert "data-find" not in artifact_rows(kettle.LONG_TABLE_ROWS)


def test_reason_of_many_files_is_said_once():
    assert artifact_rows(5).count("left out") == 1


def phase_list(state: str) -> str:
    phase = SimpleNamespace(label="Build", status="failed", started=None, seconds=None)
    return render_to_string("pages/_phases.html", {"page": SimpleNamespace(state=state, phases=[phase])})


def test_phase_of_an_abandoned_build_is_not_called_failed():
    assert "failed" not in phase_list("abandoned")
    assert "not followed further" in phase_list("abandoned")
    assert "failed" in phase_list("failed")
