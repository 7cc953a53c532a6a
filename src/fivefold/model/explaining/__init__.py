"""What the explain stage finds: a module per question that is asked of the fitted model."""
