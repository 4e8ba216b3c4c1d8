# checks that dotnet format would change nothing
# The benchmarks are not part of the solution's default build, so their packages are restored here. Without the packages every using in them would seem
# unnecessary.
for project in bench/*/*.csproj; do
  dotnet restore "$project" --verbosity quiet
done
check "the code is formatted" dotnet format --verify-no-changes --verbosity quiet
