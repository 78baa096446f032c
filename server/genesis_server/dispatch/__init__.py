"""Ready tasks for workers: leases, fencing, retries, dead letters, run budgets; pure functions over `model/work.py`."""
