"""What loads a server, and the reading of what came of it. Nothing here starts a server."""
