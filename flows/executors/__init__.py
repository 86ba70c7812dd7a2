"""What runs the steps of the pipeline over many chunks: threads of this process, or the processes of a Dask cluster."""
