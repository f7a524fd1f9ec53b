"""Patients: appointments, waiting, friendliness. Nobody names an illness, a drug or a person."""

from __future__ import annotations

from typing import Final

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import gettext_noop as _
from rewards.domain.presets.voices.definition import Voices, complaint, praise, so_so

VOICES: Final = Voices(
    per_week={Kind.NPS: 0.02, Kind.TICKET: 0.015},
    after_events={"survey_answered": Kind.CSAT},
    remarks=(
        *praise(
            Kind.CSAT,
            _("Everybody was kind and took the time to explain. Thank you."),
            _("I was seen on time, and the rooms are clean. Very good."),
            _("Booking online was easy, the reminder helpful."),
            _("The nurse was wonderful and calmed me down."),
        ),
        *so_so(
            Kind.CSAT,
            _("Good care, but the waiting room was crowded."),
            _("Friendly staff; finding a parking space was hard."),
        ),
        *complaint(
            Kind.CSAT,
            _("I waited over an hour past my appointment. Very disappointing."),
            _("The front desk was rude and did not listen."),
            _("Nobody called back as promised. I feel left alone."),
        ),
        *praise(
            Kind.NPS,
            _("I feel in good hands here and recommend it to my family."),
            _("The goals in the app keep me going. Great idea."),
        ),
        *so_so(Kind.NPS, _("A great and friendly team, but appointments are rare.")),
        *complaint(
            Kind.NPS,
            _("Three cancelled appointments in a row. Terrible organisation."),
            _("Long waits every time, and the phone is always busy. Awful."),
        ),
        *praise(Kind.TICKET, _("Thanks, great and friendly help with my appointment.")),
        *so_so(Kind.TICKET, _("Thanks for the reminder. Can I move my appointment to the afternoon?")),
        *complaint(
            Kind.TICKET,
            _("The app does not show my appointments any more and nobody helps. Frustrating."),
            _("I was charged twice and cannot reach anybody. I am upset."),
        ),
    ),
)
