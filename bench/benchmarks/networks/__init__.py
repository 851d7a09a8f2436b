"""int8 networks with random weights, written without TensorFlow."""
