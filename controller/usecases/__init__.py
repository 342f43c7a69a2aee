"""Use cases: the functions that every face (command line, web, assistant) calls. Faces stay thin."""
