"""A data directory in an object store: a mirror on this machine, committed by a manifest.

`session.open_data_dir` pulls, runs the command in the mirror, and pushes:

layout    the store's address, which files belong to it, what each command needs of them
store     requests, by obstore
errors    what can fail, and what the store's errors mean
lease     one run at a time, over all machines
manifest  what the store holds, and whether it does
mirror    the directory on this machine, and how files that only grow are joined
transfer  pull, push, recover
session   what a command is run in
"""
