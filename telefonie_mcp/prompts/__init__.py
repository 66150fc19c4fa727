"""What people start from: :mod:`recipes` reads the prompts, :mod:`offer` shows them to clients."""
