# kills the real programs under load, and checks what became of every transaction
need_build || return

# docs/reliability.md describes longer runs.
chaos() {
  timeout -k 30 300 dotnet run --project tests/Chaos --no-build -- --seed 1 "$@"
}

check "kills on embedded storage" chaos --scenario kills --kills 12 --learning
check "messages that end their process" chaos --scenario deadly-message
check "kills of notifiers" chaos --scenario notifier --kills 10
check "hostile callers" chaos --scenario hostile-callers --rate 100 --minutes 1
if need_azurite; then
  check "kills on Azurite" chaos --scenario kills --kills 5 --storage azurite --learning
else
  skip "kills on Azurite: it can't be installed under tests/azurite"
fi
