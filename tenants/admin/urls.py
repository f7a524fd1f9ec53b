"""Pages of the floor: jobs, team, API keys, audit log."""

from __future__ import annotations

from django.urls import path

from tenants.admin import api_keys, audit_log, jobs, team

urlpatterns = [
    path("jobs/", jobs.JobsPage.as_view(), name="jobs"),
    path("jobs/<uuid:public_id>/", jobs.JobPage.as_view(), name="job"),
    path("jobs/<uuid:public_id>/live/", jobs.JobLive.as_view(), name="job_live"),
    path("jobs/<uuid:public_id>/progress/", jobs.JobProgress.as_view(), name="job_progress"),
    path("jobs/<uuid:public_id>/cancel/", jobs.CancelJob.as_view(), name="job_cancel"),
    path("team/", team.TeamPage.as_view(), name="team"),
    path("team/invite/", team.InvitePage.as_view(), name="team_invite"),
    path("team/<uuid:public_id>/role/", team.ChangeRole.as_view(), name="team_role"),
    path("team/<uuid:public_id>/remove/", team.RemovePage.as_view(), name="team_remove"),
    path("api-keys/", api_keys.ApiKeysPage.as_view(), name="api_keys"),
    path("api-keys/new/", api_keys.CreatePage.as_view(), name="api_key_create"),
    path("api-keys/<uuid:public_id>/revoke/", api_keys.RevokePage.as_view(), name="api_key_revoke"),
    path("audit/", audit_log.AuditPage.as_view(), name="audit"),
]
