"""Durable state: SQL store and memory store. Import the module you need: SQLAlchemy loads slowly."""
