"""The regions that the README's command walks; `pytest -m whole` walks all that libphonenumber knows."""

from typing import Final

import phonenumbers
import pytest

SAMPLE: Final = (
    *("BR", "CN", "DE", "EG", "FR", "GB", "IN", "JP", "NG", "NZ", "US", "ZA"),
    *("AC", "AI", "AR", "BL", "BQ", "CA", "CW", "EH", "GG", "HU", "IM", "IT", "KZ", "MA", "MF", "MX"),
    *("PR", "RU", "SG", "SJ", "SM", "TA", "AX", "VA"),
)
"""Large markets on every continent, and the odd ones: numbers that no tool can tell from a neighbour's (EH,
MF), calling codes that several regions share (+1: AI, CA, PR, +7: KZ, RU, +39: IT, VA, +44: GG, IM, +47: SJ,
+212: EH, MA, +290: TA, +358: AX, +590: BL, MF, +599: BQ, CW), digits that national and international form do
not share (AR, BR, MX), leading zeros that stay (IT, SM, VA), a national prefix of two digits (HU), no area
codes (SG), no mobile numbers (CA, MX, PR, TA, US), neither mobile nor national nor toll-free ones (TA), no
national ones (EG, PR, US), no toll-free ones (AC, SM), and the smallest plan (AC)."""

FEW: Final = ("AR", "BQ", "CA", "DE", "EH", "GB", "IT", "KZ", "MF", "SG", "TA", "US")
"""A third of them, for walks that search the sandbox for every region."""

REGIONS: Final = tuple(sorted(phonenumbers.SUPPORTED_REGIONS))

WALKS: Final = (
    pytest.param(SAMPLE, id="sample", marks=pytest.mark.unmeasured),
    pytest.param(REGIONS, id="every region", marks=pytest.mark.whole),
)
"""For tests of every region, as the parameter `regions`."""
