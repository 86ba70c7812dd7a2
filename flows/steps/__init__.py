"""The steps of the pipeline: plain functions of a workspace and one small, picklable item.

A step reports what went wrong in its result, so that one bad window never costs the others; it raises for bugs alone.
"""
