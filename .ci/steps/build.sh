# builds the whole solution, with warnings as errors
need_build && record passed
