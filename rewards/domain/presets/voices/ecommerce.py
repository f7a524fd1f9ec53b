"""Shoppers: what arrived, how it fits, how the return went."""

from __future__ import annotations

from typing import Final

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import gettext_noop as _
from rewards.domain.presets.voices.definition import Voices, complaint, praise, so_so

VOICES: Final = Voices(
    per_week={Kind.NPS: 0.04, Kind.TICKET: 0.02},
    after_events={"review_posted": Kind.REVIEW},
    remarks=(
        *praise(
            Kind.REVIEW,
            _("Lovely quality, and it fits perfectly. I will order again."),
            _("Arrived a day early and looks even better than in the pictures."),
            _("Great value for the price. My sister wants one too."),
            _("Soft, well made, and the colour stays after washing. Very happy."),
            _("Beautifully packed and quick delivery. Thank you!"),
        ),
        *so_so(
            Kind.REVIEW,
            _("The fabric is nice, but it runs a size small."),
            _("Good product, although the delivery took a week."),
            _("Fine for every day; I had expected a bit more for the price."),
        ),
        *complaint(
            Kind.REVIEW,
            _("The seam came apart after two days. Poor quality."),
            _("The colour is nothing like the picture. Disappointed, I am sending it back."),
            _("Far too expensive for such thin material."),
        ),
        *praise(
            Kind.NPS,
            _("Easy to order, fast delivery, and the points add up quickly. I love it."),
            _("Friendly and helpful service, the exchange was easy."),
            _("The rewards are really worth it. I have told my friends."),
        ),
        *so_so(
            Kind.NPS,
            _("A nice shop with good things, but little in my size."),
            _("Good things, but two weeks until the points can be spent is long."),
        ),
        *complaint(
            Kind.NPS,
            _("My refund took three weeks and nobody answered. Terrible."),
            _("The parcel was late again, and the box was damaged."),
        ),
        *praise(Kind.TICKET, _("Thank you for the quick refund, that was very helpful.")),
        *so_so(Kind.TICKET, _("I like your shop. Can I still change the address of my order?")),
        *complaint(
            Kind.TICKET,
            _("I received the wrong item and the support chat is useless. Please send the right one."),
            _("My parcel is lost and I am angry: two weeks and no answer."),
        ),
    ),
)
