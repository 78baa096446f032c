"""HTDAG: from a goal in words to a hierarchical task graph.

`planner.plan_goal` is the door. `order` and `dag` keep the graph, `methods` the library, `actions` splits a goal into what is to
be done, `composition` chooses who can do it from a catalogue, which `tool_graph` reads as things and operations on them.
Algorithm: arXiv 2502.07056, without a language model.
"""
