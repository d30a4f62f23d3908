"""The pages, one file each; ``ui/main.py`` says who is shown which."""
