"""Real-ESRGAN: pictures enlarged two, four and eight times, tile by tile."""
