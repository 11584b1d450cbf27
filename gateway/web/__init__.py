"""The gateway's own endpoints and pages, and the gate that every other path goes through."""
