"""Imported histories of other tools: recognised by their content, read in bounded memory, and shaped into tables.

A format says what the columns of its files mean (`mapping.Mapping`); everything else is the same for all of them.
"""
