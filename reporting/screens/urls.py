"""The public door. Addresses say nothing: they stay in the phone's history."""

from __future__ import annotations

from django.urls import path

from reporting.screens import consents, files, form, health, pages

urlpatterns = [
    path("", pages.start, name="start"),
    path("before/", pages.who_is_told, name="who_is_told"),
    path("page/<int:number>/", form.question, name="question"),
    path("now/", pages.help_now, name="help_now"),
    path("added/", form.added, name="added"),
    path("careful/", form.careful, name="careful"),
    path("first/", form.first_steps, name="first_steps"),
    path("more/", files.files, name="files"),
    path("more/age/", files.age_of_shown, name="age_of_shown"),
    path("more/<str:item_id>/out/", files.take_out, name="take_out"),
    path("more/answer/<str:answer_id>/out/", form.take_out_answer, name="take_out_answer"),
    path("check/", form.check, name="check"),
    path("send/", form.send, name="send"),
    path("done/", form.receipt, name="receipt"),
    path("done/keep/", pages.keep_receipt, name="keep_receipt"),
    path("number/", pages.code, name="code"),
    path("back/", pages.come_back, name="come_back"),
    path("mine/", pages.portal, name="portal"),
    path("mine/who/", consents.consents, name="consents"),
    path("pause/", pages.pause, name="pause"),
    path("leave/", pages.leave, name="leave"),
    path("readyz", health.ready, name="ready"),
]
