"""What the profile of a stage costs the stage."""
