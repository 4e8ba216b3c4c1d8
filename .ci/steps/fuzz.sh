# fuzzes every parser for 30 s, with the same inputs each time
need_build || return

# tests/Fuzz/README.md describes longer runs.
check "fuzzing every parser for 30 s" timeout -k 30 300 dotnet run --project tests/Fuzz --no-build -- --seconds 30 --seed 1
