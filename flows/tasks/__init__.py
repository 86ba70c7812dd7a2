"""The steps of the pipeline: functions of a session and one small, picklable item.

A step reports failures in its result, so that one bad window never costs the others. It raises for bugs alone, and for
damaged lake files.
"""
