"""The gateway to a language model: one OpenAI-compatible endpoint, asked for drafts of plans.

`asking.py` and `bounded_http.py` import the optional extra `llm` (pydantic-ai, openai), which takes a second and some 60 MB; the others
load them when a model is configured, on a thread.
"""
