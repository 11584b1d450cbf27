"""Programs of the bench's own that run as processes beside it, so that their work is not its own."""
