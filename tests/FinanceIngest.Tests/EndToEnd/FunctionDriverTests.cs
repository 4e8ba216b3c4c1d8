using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>The function driver reports that there is no function app to drive. The tests of the HTTP contract cover the driver with an app.</summary>
[Needs(Outside.Program)]
public sealed class FunctionDriverTests
{
    [Fact]
    public async Task An_app_that_refuses_its_settings_ends_the_driver_and_its_reason_is_printed()
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess driver = Start(folder.Path, "--app", ProgramProcess.PathOf("IngestFunction"), "--port", "0", "--no-local-settings");

        Assert.Equal(1, (await driver.EndAsync()).ExitCode);
        Assert.Contains("AZURE_STORAGE_CONNECTION_STRING: required", driver.Log, StringComparison.Ordinal);
        Assert.Contains("The worker ended with 2 while it started.", driver.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_an_app_is_wrong_use()
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess driver = Start(folder.Path, "--app", folder.Path);

        Assert.Equal(2, (await driver.EndAsync()).ExitCode);
        Assert.Contains("worker.config.json is missing.", driver.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Option '--app' is required.")]
    [InlineData("--env wants NAME=VALUE.", "--app", ".", "--env", "FinanceIngest__DataDirectory")]
    [InlineData("'x'", "--app", ".", "--port", "x")]
    public async Task Wrong_arguments_are_named(string named, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess driver = Start(folder.Path, arguments);

        Assert.Equal(2, (await driver.EndAsync()).ExitCode);
        Assert.Contains(named, driver.Log, StringComparison.Ordinal);
    }

    private static ProgramProcess Start(string folder, params string[] arguments) => ProgramProcess.Start("FinanceIngest.FunctionDriver", arguments, folder);
}
