"""Property tests may be slow on a busy machine; what they find is found again by everybody."""

from hypothesis import settings

settings.register_profile("bench", deadline=None, derandomize=True)
settings.load_profile("bench")
