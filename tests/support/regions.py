"""The regions that the README's command walks; `pytest -m whole` walks all that libphonenumber knows."""

SAMPLE = ("AC", "AR", "AX", "BR", "CA", "DE", "EH", "GB", "GG", "IT", "KZ", "MF", "MX", "SG", "US", "VA")
"""Large markets, and the odd ones: numbers that no tool can tell from a neighbour's (EH, MF), calling codes
that several regions share (AX, CA, GG, KZ, VA), digits that national and international form do not share (AR,
BR, MX), leading zeros that stay (IT), no area codes (SG), and the smallest plan (AC)."""
