"""PostgreSQL, Valkey and the product's own processes on a machine that has none of them running."""
