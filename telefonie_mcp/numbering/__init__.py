"""Phone numbers: E.164, countries, area codes, and what libphonenumber knows of a number."""
