using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using FinanceIngest.Ground;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Hosting;

/// <summary>
/// A pod's volume belongs to root and to the pod's group (<c>fsGroup</c>), and the program runs as another user of that group: it may not change the mode of
/// the directory, and needs the group's right to it.
/// </summary>
[Needs(Outside.Program)]
[UnsupportedOSPlatform("windows")]
public sealed class GroupVolumeTests : IDisposable
{
    private const int User = 61654;
    private const int Group = 62000;

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("2775")]
    [InlineData("2770")]
    [InlineData("0770")]
    public async Task A_program_of_the_group_starts_and_starts_again_and_its_files_are_its_own(string mode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "only root on Linux can start a program as another user");
        var directoryMode = (UnixFileMode)Convert.ToInt32(mode, 8);
        string volume = Path.Combine(_folder.Path, "volume");
        File.SetUnixFileMode(_folder.Path, PrivateFiles.FolderMode | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(volume);
        await RunAsync("chown", $"0:{Group}", volume);
        File.SetUnixFileMode(volume, directoryMode);

        await ScoreAsync(volume, "had the mode " + mode, "and this program may not change that");
        Assert.Equal(directoryMode, File.GetUnixFileMode(volume));
        string[] files = Directory.GetFiles(volume);
        Assert.Contains(files, file => file.EndsWith("id-signing.key", StringComparison.Ordinal));
        Assert.All(files, file => Assert.Equal((file, PrivateFiles.FileMode), (file, File.GetUnixFileMode(file))));
        Assert.All(await OwnersAsync(files), owner => Assert.Equal(User, owner));

        // At the next mount Kubernetes gives the group what is in the volume.
        foreach (string file in files)
        {
            await RunAsync("chown", $"{User}:{Group}", file);
            File.SetUnixFileMode(file, PrivateFiles.FileMode | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        }

        await ScoreAsync(volume, "had the mode 0660", "now only its owner can");
        Assert.Equal(directoryMode, File.GetUnixFileMode(volume));
        Assert.All(Directory.GetFiles(volume), file => Assert.Equal((file, PrivateFiles.FileMode), (file, File.GetUnixFileMode(file))));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task ScoreAsync(string volume, params string[] warnings)
    {
        await using ProgramProcess server = ProgramProcess.StartServerAs(User, Group, "IngestServer", volume);
        using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/transactions")
        {
            Content = JsonContent.Create(new { user_id = 399, category_id = 2310, amount = 25 }),
            Headers = { { "Prefer", "wait=30" } },
        };
        Assert.Equal(HttpStatusCode.OK, (await http.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
        Assert.All(warnings, warning => Assert.Contains(warning, server.Log, StringComparison.Ordinal));
        Assert.Equal(0, await server.TerminateAsync());
    }

    private static async Task<int[]> OwnersAsync(string[] files) =>
        [.. (await RunAsync("stat", ["-c", "%u", .. files])).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(owner => int.Parse(owner, CultureInfo.InvariantCulture))];

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
