"""The same eleven questions by other semantic layers, each in an environment of its own."""
