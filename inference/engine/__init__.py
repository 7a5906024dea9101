"""Many pipelines, one device: the step loop, shared passes, which nets live where. It is to know no family."""
