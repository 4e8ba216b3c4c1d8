using System.Diagnostics;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>
/// The programs of the last release, built from its tag or commit into a folder outside the checkout, where later runs find them again. Without that commit, as
/// in a shallow clone, the tests that need it are skipped and say so.
/// </summary>
internal static class Release
{
    /// <summary>The last release: the tag that is looked for.</summary>
    public const string Version = "0.1.0";
    private const string Tag = $"v{Version}";

    // The commit that was released, for clones without tags. Until there is one, it is a commit that made the schema with which 0.1.0 begins; empty: none yet.
    private const string Commit = "74fc921371b364c37f506512c8f5bb35ba0ad1ef";

    private static readonly string[] s_programs = ["IngestServer", "ScoringWorker", "Cli"];
    private static readonly Lazy<Task<(string? Folder, string Reason)>> s_built = new(BuildAsync);

    /// <summary>Returns the path of a program of the release. Skips the running test when the release can't be had here.</summary>
    public static async Task<string> ProgramAsync(string name)
    {
        NeedsAttribute.Require(Outside.Program);
        (string? folder, string reason) = await s_built.Value;
        Assert.SkipWhen(folder is null, $"The programs of {Version}: {reason}");
        return Path.Combine(folder!, "built", name == "finance-ingest" ? "Cli" : name, $"{name}.dll");
    }

    private static async Task<(string? Folder, string Reason)> BuildAsync()
    {
        string? revision = await RevisionAsync();
        if (revision is null)
        {
            string commit = Commit.Length == 0 ? "a commit of it" : Commit[..12];
            return (null, $"neither {Tag} nor {commit} is in this clone (git fetch --unshallow --tags).");
        }

        string folder = Path.Combine(Path.GetTempPath(), $"finance-ingest-release-{revision[..12]}");
        Directory.CreateDirectory(folder);

        // Two runs may want the same build. The second waits for the first, and finds it.
        await using FileStream turn = await TakeTurnAsync(Path.Combine(folder, "turn"));
        string done = Path.Combine(folder, "done");
        if (!File.Exists(done))
        {
            string source = Path.Combine(folder, "source");
            await RunAsync("bash", ["-c", $"rm -rf '{source}' && mkdir '{source}' && git archive {revision} | tar -x -C '{source}'"], Repository.Root);
            foreach (string program in s_programs)
            {
                await RunAsync(
                    "dotnet",
                    ["publish", $"src/{program}", "-c", "Release", "-o", Path.Combine(folder, "built", program), "-v", "q", "-nologo", "-nodereuse:false"],
                    source);
            }

            await File.WriteAllTextAsync(done, revision);
        }

        return (folder, "");
    }

    private static async Task<FileStream> TakeTurnAsync(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(500);
            }
        }
    }

    private static async Task<string?> RevisionAsync()
    {
        foreach (string name in new[] { Tag, Commit }.Where(name => name.Length > 0))
        {
            (int code, string output) = await GitAsync("rev-parse", "--verify", "--quiet", $"{name}^{{commit}}");
            if (code == 0)
            {
                return output.Trim();
            }
        }

        return null;
    }

    private static async Task<(int Code, string Output)> GitAsync(params string[] arguments)
    {
        try
        {
            return await StartAsync("git", arguments, Repository.Root);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, "");
        }
    }

    private static async Task RunAsync(string program, string[] arguments, string folder)
    {
        (int code, string output) = await StartAsync(program, arguments, folder);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}");
    }

    private static async Task<(int Code, string Output)> StartAsync(string program, string[] arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await error);
    }
}
