"""The data directory in an object store: a mirror on this machine, committed by a manifest.

address   s3://BUCKET/PREFIX
parts     which files belong to the store, and what each command needs of them
bucket    requests to the store, and what its refusals mean
lease     one run at a time, over all machines
manifest  what the store holds
mirror    the directory on this machine
growing   files that only grow, and how two that grew apart are joined
pull      from the store to the mirror
push      from the mirror to the store
session   what a command is run in
verify    objects against the manifest
"""
