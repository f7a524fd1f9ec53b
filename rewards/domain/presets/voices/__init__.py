"""What sample members say of a vertical's business, by kind and feeling, and how often."""
