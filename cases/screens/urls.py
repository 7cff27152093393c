"""The staff door."""

from __future__ import annotations

from django.urls import path

from cases.screens import case, health, office, partners, quarantine, referral

app_name = "office"
urlpatterns = [
    path("", office.waiting, name="queue"),
    path("readyz", health.ready, name="ready"),
    path("report/<str:report_id>/", office.report, name="report"),
    path("report/<str:report_id>/decide/", office.decide, name="decide"),
    path("case/<str:case_id>/", case.case, name="case"),
    path("case/<str:case_id>/act/", case.act, name="act"),
    path("case/<str:case_id>/refer/", referral.prepare, name="prepare"),
    path("case/<str:case_id>/now/", referral.tell_now, name="tell_now"),
    path("look/<str:item_id>/", case.look, name="look"),
    path("report/<str:report_id>/lock/", case.quarantine_thing, name="quarantine_thing"),
    path("locked/", quarantine.waiting, name="quarantine"),
    path("partners/", partners.partners, name="partners"),
    path("referral/<str:referral_id>/", referral.referral, name="referral"),
]
