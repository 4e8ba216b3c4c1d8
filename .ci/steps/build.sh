# builds the whole solution, warnings being errors
need_build && record passed
