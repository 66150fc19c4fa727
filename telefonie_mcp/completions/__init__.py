"""What may be typed into an argument: :mod:`offer` answers clients.

The world's part of it is in :mod:`countries` and :mod:`areas`.
"""
