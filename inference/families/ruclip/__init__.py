"""ruCLIP: how well words fit a picture, in Russian. It picks the best of many, and the likeliest of many labels."""
