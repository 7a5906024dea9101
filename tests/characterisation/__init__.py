"""What people see, written down: flows are played against the local Telegram and compared with transcripts on disk."""
