"""What integrate does, part by part: mapping, stacking, joining, and deciding between sources."""
