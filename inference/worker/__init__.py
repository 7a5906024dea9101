"""What lives between the queue and the device: a process without torch, and how it keeps the engine alive."""
