"""What a proposal has to show, who is asked about it, and when one is due by itself."""
