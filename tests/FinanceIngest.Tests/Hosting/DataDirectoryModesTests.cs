using System.Runtime.Versioning;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Hosting;

/// <summary>What holds people's money is its owner's alone, from before anything is in it.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class DataDirectoryModesTests : IDisposable
{
    private const UnixFileMode Everybody =
        PrivateFiles.FolderMode | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly TemporaryFolder _folder = new();

    public DataDirectoryModesTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => Path.Combine(_folder.Path, "data");

    [Fact]
    public async Task What_is_made_is_private_and_so_are_the_log_and_the_shared_memory_beside_it()
    {
        using var database = new SqliteDatabase(Data, TimeProvider.System, new DependencyStatus("database"));
        await database.OpenAsync(Token);
        SigningKeyFile.ReadOrCreate(Data);

        Assert.Equal(PrivateFiles.FolderMode, Mode(Data));
        string[] files = Directory.GetFiles(Data);
        Assert.Equal(4, files.Length);
        Assert.All(files, file => Assert.True(Mode(file) == PrivateFiles.FileMode, $"{file} {Mode(file)}"));
    }

    [Fact]
    public async Task What_was_there_and_was_wider_is_narrowed_and_told()
    {
        using (var database = new SqliteDatabase(Data, TimeProvider.System, new DependencyStatus("database")))
        {
            await database.OpenAsync(Token);
        }

        string file = Path.Combine(Data, SqliteDatabase.FileName);
        File.SetUnixFileMode(file, Everybody);
        File.SetUnixFileMode(Data, Everybody | UnixFileMode.SetGroup);

        IReadOnlyList<WideMode> looked = DataDirectoryModes.Look(Data);
        Assert.All(looked, wide => Assert.False(wide.IsNarrowed));
        IReadOnlyList<WideMode> narrowed = DataDirectoryModes.Narrow(Data);

        Assert.Equal([Data, file], looked.Select(wide => wide.Path));
        Assert.Equal([Data, file], narrowed.Select(wide => wide.Path));
        Assert.All(narrowed, wide => Assert.True(wide.IsNarrowed));
        Assert.Equal(PrivateFiles.FolderMode | UnixFileMode.SetGroup, Mode(Data));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, Mode(file));
        Assert.Empty(DataDirectoryModes.Narrow(Data));
    }

    [Fact]
    public async Task A_program_that_opens_a_wide_file_narrows_it()
    {
        Directory.CreateDirectory(Data);
        string file = Path.Combine(Data, SqliteDatabase.FileName);
        await File.WriteAllBytesAsync(file, [], Token);
        File.SetUnixFileMode(file, PrivateFiles.FileMode | UnixFileMode.OtherRead);

        using var database = new SqliteDatabase(Data, TimeProvider.System, new DependencyStatus("database"));
        await database.OpenAsync(Token);

        Assert.All(Directory.GetFiles(Data), path => Assert.Equal(PrivateFiles.FileMode, Mode(path)));
    }

    [Fact]
    public void A_directory_that_also_holds_what_is_somebody_elses_stays_as_it_is()
    {
        Directory.CreateDirectory(Data);
        File.SetUnixFileMode(Data, Everybody);
        File.WriteAllText(Path.Combine(Data, "somebodys-file"), "");
        File.WriteAllText(Path.Combine(Data, SqliteDatabase.FileName), "");

        IReadOnlyList<WideMode> found = DataDirectoryModes.Narrow(Data);

        Assert.Equal([true, false], found.Select(wide => wide.IsShared));
        Assert.Equal(Everybody, Mode(Data));
        Assert.Equal(PrivateFiles.FileMode, Mode(Path.Combine(Data, SqliteDatabase.FileName)));
        Assert.NotEqual(PrivateFiles.FileMode, Mode(Path.Combine(Data, "somebodys-file")));
    }

    [Fact]
    public void A_directory_that_is_not_there_has_nothing_to_narrow() => Assert.Empty(DataDirectoryModes.Narrow(Data));

    public void Dispose() => _folder.Dispose();

    private static UnixFileMode Mode(string path) => File.GetUnixFileMode(path);
}
