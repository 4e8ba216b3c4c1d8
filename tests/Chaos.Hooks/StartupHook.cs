using FinanceIngest.Chaos.Hooks;

/// <summary>
/// What DOTNET_STARTUP_HOOKS runs before a program's own Main (https://github.com/dotnet/runtime/blob/main/docs/design/features/host-startup-hook.md):
/// the programs under test are the built ones, without a line of code that is there for the sake of these tests.
/// </summary>
internal static class StartupHook
{
    public static void Initialize() => HostBuilding.Watch();
}
