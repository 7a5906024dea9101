"""Kandinsky 3.1: what its modes ask for, its nets and its samplers."""
