"""Input and output of the customer domain's API. Outputs never write, inputs never read models."""
