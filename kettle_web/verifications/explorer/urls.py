"""Addresses of the explorer, below `builds/`."""

from django.urls import path

from kettle_web.verifications.explorer import views

app_name = "explorer"
urlpatterns = [
    path("<slug:uid>/explore/", views.chain, name="chain"),
    path("<slug:uid>/explore/inputs/", views.inputs_table, name="inputs"),
    path("<slug:uid>/explore/inputs/<int:index>/proof.json", views.proof, name="proof"),
    path("<slug:uid>/explore/proof/", views.proof_check, name="proof-check"),
    path("<slug:uid>/explore/evidence/", views.evidence, name="evidence"),
    path("<slug:uid>/explore/raw/<str:name>", views.raw, name="raw"),
    path("<slug:uid>/tables/<slug:name>.<slug:form>", views.table, name="table"),
    path("<slug:uid>/sbom.cdx.json", views.sbom, {"kind": "cyclonedx"}, name="cyclonedx"),
    path("<slug:uid>/sbom.spdx.json", views.sbom, {"kind": "spdx"}, name="spdx"),
    path("<slug:uid>/bundle.zip", views.bundle, name="bundle"),
]
