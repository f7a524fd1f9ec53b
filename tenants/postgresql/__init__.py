"""Django's PostgreSQL backend with the one thing changed that composite primary keys need."""
