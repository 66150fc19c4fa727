"""Phone numbers: E.164, countries, area codes, and number lookup with libphonenumber."""
