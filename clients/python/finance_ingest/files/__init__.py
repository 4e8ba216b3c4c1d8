"""
Reads files of transactions and of baselines by the rules of ``docs/files.md``, which the service's own tool ``finance-ingest`` follows too: both accept and
refuse the same files, by the same lines, in the same words. ``tests/corpus`` holds them to it.
"""
