"""What commands print: one module for each subject."""
