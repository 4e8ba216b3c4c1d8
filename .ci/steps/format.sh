# checks that dotnet format would change nothing
check "the code is formatted" dotnet format --verify-no-changes --verbosity quiet
