"""People and machines come in here; settings are read and things are built here."""
