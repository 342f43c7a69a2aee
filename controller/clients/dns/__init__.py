"""The door to DNS: names and values in canonical form, authoritative servers, updates, and the public address."""
