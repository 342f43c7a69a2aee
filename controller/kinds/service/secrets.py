"""Values that must not be seen: which ones they are."""

from controller.core.secret import has_credentials, is_sensitive

__all__ = ["has_credentials", "is_sensitive"]
