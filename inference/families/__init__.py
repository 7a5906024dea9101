"""Models that share asks, nets and pipelines: a folder each."""
