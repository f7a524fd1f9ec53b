"""The demonstration: two tenants, real data through the real pipeline, then the product itself."""
