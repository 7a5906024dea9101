"""Words for people: languages, translations, and the check that nothing is missing."""
