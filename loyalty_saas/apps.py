from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltySaasConfig(AppConfig):
    name = "loyalty_saas"
    verbose_name = _("Loyalty back office")

    def ready(self) -> None:
        # Makes our Celery application the current one and registers the handlers of jobs in every process.
        from loyalty_saas.celery import register_tasks

        register_tasks()
        # Exports of customers know the filters of the list.
        from crm.services.exports.lists import narrowed_by
        from loyalty_saas.backoffice import customers
        from tenants.scope import active_tenant

        narrowed_by(lambda filters: customers.found(filters, active_tenant()))
