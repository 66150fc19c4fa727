"""Every decision that an operator can make."""
