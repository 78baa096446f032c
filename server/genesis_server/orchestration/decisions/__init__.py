"""Decisions that are kept with all they were made from, found again, and made again."""
