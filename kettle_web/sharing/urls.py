"""Addresses of links: `builds/<uid>/links/` and `links/` for those who share, `s/<token>` for everyone who holds one."""

from django.urls import path

from kettle_web.sharing import views, views_links, views_machine, views_picture, views_proof, views_style, views_verifier

app_name = "sharing"
urlpatterns = [
    path("builds/<slug:uid>/links/", views_links.create, name="create"),
    path("builds/<slug:uid>/links/preview/", views_links.preview, name="preview"),
    path("builds/<slug:uid>/links/<slug:link_uid>/revoke/", views_links.revoke, name="revoke"),
    path("links/", views_links.links, name="links"),
    path("links/<slug:link_uid>/", views_links.link, name="link"),
    path("links/<slug:link_uid>/revoke/", views_links.link_revoke, name="link-revoke"),
    path("s/<str:token>.json", views_machine.report, name="report"),
    path("s/<str:token>/", views.page, name="page"),
    path("s/<str:token>/report.json", views_machine.report, name="report-below"),
    path("s/<str:token>/material.json", views_machine.material, name="material"),
    path("s/<str:token>/summary.dsse.json", views_machine.summary, name="summary"),
    path("s/<str:token>/report/", views.printed, name="printed"),
    path("s/<str:token>/proof.html", views_proof.proof_html, name="proof-html"),
    path("s/<str:token>/proof.zip", views_proof.proof_zip, name="proof-zip"),
    path("s/<str:token>/badge.svg", views_picture.badge, name="badge"),
    path("s/<str:token>/card", views_picture.card, name="card"),
    path("s/<str:token>/log.txt", views_machine.log, name="log"),
    path("s/<str:token>/files/<str:name>", views_machine.raw_file, name="file"),
    path("s/<str:token>/artifacts/<str:sha256>/<path:name>", views_machine.artifact, name="artifact"),
    path("share-<slug:digest>.css", views_style.style, name="style"),
    path("share-<slug:name>.js", views_style.script, name="script"),
    path("verifier/", views_verifier.modules, name="verifier"),
    path("verifier/reasons-<slug:language>.json", views_style.reasons, name="reasons"),
    path("verifier/verifier.html", views_verifier.download, name="verifier-file"),
    path(".well-known/kettle-vsa-keys.json", views_machine.keys, name="keys"),
]
