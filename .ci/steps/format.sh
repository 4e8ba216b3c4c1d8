# checks that dotnet format would change nothing
check "the code is formatted" dotnet format --verify-no-changes --exclude src/IngestFunction/ bench/ --verbosity quiet
