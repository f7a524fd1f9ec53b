"""Learners: lessons, teachers, quizzes and what a course is worth."""

from __future__ import annotations

from typing import Final

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import gettext_noop as _
from rewards.domain.presets.voices.definition import Voices, complaint, praise, so_so

VOICES: Final = Voices(
    per_week={Kind.CSAT: 0.04, Kind.NPS: 0.02, Kind.TICKET: 0.015},
    after_orders=0.35,
    remarks=(
        *praise(
            Kind.CSAT,
            _("The teacher explains clearly. For the first time I understand fractions."),
            _("Short lessons, good exercises. I enjoy studying again."),
            _("The quiz at the end is fun and really helps."),
        ),
        *so_so(
            Kind.CSAT,
            _("Good content, but the videos are a little long."),
            _("The exercises are fine; I would like more examples."),
        ),
        *complaint(
            Kind.CSAT,
            _("The lesson was confusing and much too fast. I learnt nothing."),
            _("The quiz marked my right answer as wrong. Very frustrating."),
        ),
        *praise(
            Kind.NPS,
            _("My daughter studies on her own now. Wonderful courses."),
            _("Excellent teachers and friendly help. I recommend it to everybody."),
        ),
        *so_so(Kind.NPS, _("The history courses are great, the physics ones less so.")),
        *complaint(
            Kind.NPS,
            _("Too expensive for so few lessons. I am disappointed."),
            _("The platform is slow and loses my answers. Awful."),
        ),
        *praise(
            Kind.REVIEW,
            _("A brilliant course, worth every cent. I passed my exam."),
            _("The workbook is clear and well printed. Very useful."),
        ),
        *so_so(Kind.REVIEW, _("A solid course, but the last chapter feels hurried.")),
        *complaint(
            Kind.REVIEW,
            _("Out of date and boring. I stopped after the third lesson."),
            _("Half of the tasks have mistakes. Poor quality."),
        ),
        *praise(Kind.TICKET, _("Thank you, the certificate arrived quickly and looks lovely.")),
        *so_so(Kind.TICKET, _("The course is good. Where do I find the solutions of module two?")),
        *complaint(
            Kind.TICKET,
            _("The video stops after a minute and support does not answer. Annoying."),
            _("My assignment was not graded for three weeks. This is unacceptable."),
        ),
    ),
)
