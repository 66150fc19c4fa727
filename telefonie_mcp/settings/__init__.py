"""The operator's settings: fields, value types, and reading them from the environment and flags."""
