"""The Train page's parts: the plan, the course of a run, and what can be done with it."""
