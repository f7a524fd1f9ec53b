"""Members of a community: the app, the people, what the fan shop sent."""

from __future__ import annotations

from typing import Final

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import gettext_noop as _
from rewards.domain.presets.voices.definition import Voices, complaint, praise, so_so

VOICES: Final = Voices(
    per_week={Kind.NPS: 0.03, Kind.CSAT: 0.02, Kind.TICKET: 0.015},
    after_orders=0.3,
    remarks=(
        *praise(
            Kind.NPS,
            _("A warm community. I have made real friends here."),
            _("The streaks keep me coming back, and it is great fun."),
            _("Interesting posts every day and kind people. I love this place."),
        ),
        *so_so(
            Kind.NPS,
            _("Good conversations, but the feed shows me too much of the same."),
            _("I like the people, although the app is slow at times."),
        ),
        *complaint(
            Kind.NPS,
            _("Too much spam lately, and reports are ignored. Really annoying."),
            _("The new feed is awful. I miss what my friends write."),
        ),
        *praise(
            Kind.CSAT,
            _("The app is easy to use and looks beautiful."),
            _("The moderators helped me right away. Excellent."),
        ),
        *so_so(Kind.CSAT, _("Posting works well, searching does not yet.")),
        *complaint(
            Kind.CSAT,
            _("The app crashes whenever I upload a photo. Frustrating."),
            _("I lost my seven-day streak because of a bug. Very disappointing."),
        ),
        *praise(
            Kind.REVIEW,
            _("The hoodie is wonderfully soft, great quality."),
            _("My favourite mug now, and it came quickly. Thanks!"),
        ),
        *so_so(Kind.REVIEW, _("Pretty print, but the size is larger than expected.")),
        *complaint(
            Kind.REVIEW,
            _("The poster arrived bent, badly packed. A pity."),
            _("The print came off after one wash. Poor quality for the price."),
        ),
        *praise(Kind.TICKET, _("Thanks for the quick help with my account, you are great!")),
        *so_so(Kind.TICKET, _("I enjoy it here. How do I change my profile picture?")),
        *complaint(
            Kind.TICKET,
            _("Somebody harasses me in the comments and nothing happens. This is horrible."),
            _("I cannot log in any more and support does not answer. Annoying."),
        ),
    ),
)
