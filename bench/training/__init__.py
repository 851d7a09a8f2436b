"""Training and export, shared by all methods: data pipeline, networks, resumable fit, TFLite.

`task` and `pipeline` import no TensorFlow; of the others most do, so methods import them when training starts.
"""
