"""What a person can declare: one folder per kind."""
