"""What a stage uses while it runs: sampled, then reckoned as energy, grams and money."""
