"""What `accuracy.py` and `peers.py` share: runs in processes of their own, their figures in files, tests and tables."""
