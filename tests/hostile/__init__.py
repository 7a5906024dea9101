"""The studio under attack: fuzzed updates, forged presses, mutated pictures, floods, kills and broken disks."""
