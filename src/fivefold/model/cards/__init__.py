"""The model card and the data card, in the format of the Hugging Face hub."""
