"""A PostgreSQL server for one run of the tests: started when a test first asks for it, gone with the run."""
