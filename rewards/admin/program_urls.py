"""Pages of the program: revisions and their steps, the rule builder, the simulator."""

from __future__ import annotations

from django.urls import path

from rewards.admin import (
    brakes,
    offer_drafts,
    program,
    program_compare,
    program_copy,
    program_editor,
    program_import,
    program_simulator,
    program_steps,
    rule_editor,
)

urlpatterns = [
    path("program/", program.ProgramPage.as_view(), name="program"),
    path("program/edit/", program_editor.EditPage.as_view(), name="program_edit"),
    path("program/draft/<slug:section>/<slug:key>/drop/", offer_drafts.DropPage.as_view(), name="offer_drop"),
    path("program/brake/", brakes.BrakePage.as_view(), name="program_brake"),
    path("program/brake/release/", brakes.ReleasePage.as_view(), name="program_brake_release"),
    path("program/take-in/", offer_drafts.TakeInPage.as_view(), name="program_take_in"),
    path("program/import/", program_import.ImportPage.as_view(), name="program_import"),
    path("program/self-approval/", program_steps.SelfApprovalPage.as_view(), name="program_self_approval"),
    path(
        "program/rehearsal-policy/",
        program_steps.RehearsalPolicyPage.as_view(),
        name="program_rehearsal_policy",
    ),
    path("program/rules/<slug:key>/", rule_editor.RulePage.as_view(), name="program_rule"),
    path("program/<int:number>/", program.RevisionPage.as_view(), name="program_revision"),
    path("program/<int:number>/publish/", program.PublishPage.as_view(), name="program_publish"),
    path("program/<int:number>/export/", program.ExportPage.as_view(), name="program_export"),
    path("program/<int:number>/simulate/", program_simulator.SimulatePage.as_view(), name="program_simulate"),
    path("program/<int:number>/copy/", program_copy.CopyPage.as_view(), name="program_copy"),
    path(
        "program/<int:number>/copy/<uuid:public_id>/",
        program_copy.LookPage.as_view(),
        name="program_copy_look",
    ),
    path("program/<int:number>/steps/<slug:step>/", program_steps.StepPage.as_view(), name="program_step"),
    path(
        "program/<int:number>/compare/<int:other>/",
        program_compare.ComparePage.as_view(),
        name="program_compare",
    ),
]
