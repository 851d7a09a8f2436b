"""Training and export, shared by all methods: data pipeline, networks, resumable fit, TFLite. TensorFlow is imported on use."""
