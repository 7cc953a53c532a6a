"""Deploy: the fitted pipeline in a form that serves without what trained it."""
