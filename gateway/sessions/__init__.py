"""The person's session: its value, its two lifetimes, its sealed record and where records are kept."""
