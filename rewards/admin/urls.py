"""Pages of the loyalty domain: program, rewards, points by hand."""

from __future__ import annotations

from django.urls import path

from rewards.admin import adjustments, catalogue, program, program_editor, rule_editor

urlpatterns = [
    path("program/", program.ProgramPage.as_view(), name="program"),
    path("program/edit/", program_editor.EditPage.as_view(), name="program_edit"),
    path("program/rules/<slug:key>/", rule_editor.RulePage.as_view(), name="program_rule"),
    path("program/<int:number>/", program.RevisionPage.as_view(), name="program_revision"),
    path("program/<int:number>/publish/", program.PublishPage.as_view(), name="program_publish"),
    path("rewards/", catalogue.RewardsPage.as_view(), name="rewards"),
    path("rewards/new/", catalogue.CreatePage.as_view(), name="reward_create"),
    path("rewards/<uuid:public_id>/", catalogue.EditPage.as_view(), name="reward"),
    path("customers/<uuid:public_id>/adjust/", adjustments.AdjustPage.as_view(), name="points_adjust"),
]
