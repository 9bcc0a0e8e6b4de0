"""Files of rows: delimited text, JSON lines and Parquet, packed or not, as Arrow tables."""
