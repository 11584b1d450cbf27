"""A provider and an old application for one machine, so that the product can be seen without an account."""
