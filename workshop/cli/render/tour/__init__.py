"""What `workshop tour` draws: what is said around each step, and a picture for each."""
