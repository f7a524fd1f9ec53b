"""Customers of a bank: cards, transfers, fees, and who answers the phone."""

from __future__ import annotations

from typing import Final

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import gettext_noop as _
from rewards.domain.presets.voices.definition import Voices, complaint, praise, so_so

VOICES: Final = Voices(
    per_week={Kind.CSAT: 0.04, Kind.NPS: 0.025, Kind.TICKET: 0.02},
    after_orders=0.35,
    remarks=(
        *praise(
            Kind.REVIEW,
            _("The money was there the next morning, and the fee was clear. Great."),
            _("A safe place for my papers, and friendly people. Very good."),
        ),
        *so_so(Kind.REVIEW, _("Good service, though I would rather not pay for paper.")),
        *complaint(
            Kind.REVIEW,
            _("A yearly fee for a card that did not work. I am disappointed."),
            _("Expensive, and the transfer was late. Poor service."),
        ),
        *praise(
            Kind.CSAT,
            _("The account was open in ten minutes. Very easy and clear."),
            _("A patient adviser who explained every fee. Excellent service."),
            _("Transfers are fast and the app is reliable. Very satisfied."),
        ),
        *so_so(
            Kind.CSAT,
            _("The app is good, but the identity check took two attempts."),
            _("Friendly staff, although I waited twenty minutes."),
        ),
        *complaint(
            Kind.CSAT,
            _("My card was blocked abroad and the hotline was useless."),
            _("The transfer took four days and nobody could say why. Terrible."),
            _("Hidden fees again. I feel cheated."),
        ),
        *praise(
            Kind.NPS,
            _("The saving streak made me put money aside every week. I love it."),
            _("A bank that is honest about its fees. I recommend it gladly."),
        ),
        *so_so(Kind.NPS, _("A good account, but the interest could be better.")),
        *complaint(
            Kind.NPS,
            _("The app logs me out all the time. Really annoying."),
            _("Rude answers at the branch, and the queue was endless."),
        ),
        *praise(Kind.TICKET, _("Great help with my new card, quick and friendly. Thank you!")),
        *so_so(Kind.TICKET, _("The card works well. Can I have a higher limit while I travel?")),
        *complaint(
            Kind.TICKET,
            _("A payment was booked twice and nobody has corrected it. I am angry."),
            _("My new card has not arrived for three weeks. Unacceptable."),
        ),
    ),
)
