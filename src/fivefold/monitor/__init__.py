"""Monitor: what becomes of the model once the world moves on."""
