"""The embedded engine: one SQLite file, safe for several worker processes on one machine.

A store has two threads. The writer takes everything that arrived while the last commit was under way into one transaction with one
fsync (group commit); the reader answers from its own connection, which in WAL mode no writer holds up. The event loop only queues
and delivers. Rows are read and written by plain functions over a connection: documents, journal, leases.
"""
