"""Who may come in: the request as the policy sees it, the one decision, the identity fields."""
