using FinanceIngest.Chaos.Hooks;

/// <summary>
/// The code that DOTNET_STARTUP_HOOKS runs before a program's Main (https://github.com/dotnet/runtime/blob/main/docs/design/features/host-startup-hook.md).
/// It makes it possible to test the programs as they are built, without any code in them for the sake of these tests.
/// </summary>
internal static class StartupHook
{
    public static void Initialize() => HostBuilding.Watch();
}
