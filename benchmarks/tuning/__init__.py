"""What a study of 200 trials costs beside what its fits cost."""
