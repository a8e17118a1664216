"""Random work under random faults, judged by snapshots of the source: see `run.py`."""
