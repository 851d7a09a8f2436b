"""Energy of an inference: a model from data sheets, and monitors that measure it."""
