"""Scalar quantizers of features in [0, 6] that several methods share: running means, and how values fall into cells."""
