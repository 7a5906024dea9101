"""ruDALL-E (github.com/ai-forever/ru-dalle) and RUDOLPH (github.com/ai-forever/ru-dolph): pictures token by token."""
