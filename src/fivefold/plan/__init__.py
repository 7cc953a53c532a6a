"""Plan: what is wanted, how success is measured, who answers for what."""
