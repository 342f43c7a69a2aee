"""Where specs come from: a git repository (objects only, never a checkout of it) or a plain folder."""

from controller.source.folder import FolderSource
from controller.source.git import GitSource
from controller.source.refs import find_repository
from controller.source.signatures import Signers

__all__ = ["FolderSource", "GitSource", "Signers", "find_repository"]
