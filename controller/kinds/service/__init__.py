"""The service kind."""
