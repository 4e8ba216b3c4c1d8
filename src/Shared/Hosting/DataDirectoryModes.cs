using System.Globalization;
using System.Text.RegularExpressions;
using FinanceIngest.Ground;

namespace FinanceIngest.Hosting;

/// <summary>
/// Finds what other users of the machine may read in a data directory, and takes that right away: whoever can open a database file reads it, and can hold its
/// locks, which stops every write.
/// </summary>
public static partial class DataDirectoryModes
{
    /// <summary>Lists the directory and its files of this system as far as others may use them. Changes nothing.</summary>
    public static IReadOnlyList<WideMode> Look(string directory) => Find(directory, narrow: false);

    /// <summary>Narrows the directory and its files of this system to their owner, and lists what was wider.</summary>
    public static IReadOnlyList<WideMode> Narrow(string directory) => Find(directory, narrow: true);

    private static List<WideMode> Find(string directory, bool narrow)
    {
        var found = new List<WideMode>();
        if (OperatingSystem.IsWindows() || !Directory.Exists(directory))
        {
            return found;
        }

        string[] entries;
        try
        {
            entries = Directory.GetFileSystemEntries(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return found;
        }

        if (PrivateFiles.WiderMode(directory) is { } mode)
        {
            // A directory that also holds what is somebody else's, such as /tmp or a home, must stay usable for them; our files are private by themselves.
            bool isShared = Array.Exists(entries, entry => !IsOurs(Path.GetFileName(entry)));
            found.Add(new WideMode(directory, mode, narrow && !isShared && PrivateFiles.TryNarrow(directory), isShared));
        }

        foreach (string entry in entries.Where(entry => IsOurs(Path.GetFileName(entry)) && File.Exists(entry)).Order(StringComparer.Ordinal))
        {
            if (PrivateFiles.WiderMode(entry) is { } wide)
            {
                found.Add(new WideMode(entry, wide, narrow && PrivateFiles.TryNarrow(entry), IsShared: false));
            }
        }

        return found;
    }

    private static bool IsOurs(string name) => name == "lost+found" || OurName().IsMatch(name);

    [GeneratedRegex(@"^(finance-ingest\.db|queue-[a-z0-9-]+\.db)(-wal|-shm|-journal)?$|^id-signing\.key(\.[0-9a-f]{32})?$|^restore[.-]")]
    private static partial Regex OurName();
}

/// <summary>A file or directory that others than its owner may use.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Mode">Its mode when it was looked at.</param>
/// <param name="IsNarrowed">Whether that right was taken away.</param>
/// <param name="IsShared">Whether it is a directory that also holds files of others, which is left as it is.</param>
public sealed record WideMode(string Path, UnixFileMode Mode, bool IsNarrowed, bool IsShared)
{
    /// <summary>One sentence for an operator.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Path} had the mode {PrivateFiles.Text(Mode)}, ")
        + (IsNarrowed ? "with which other users of this machine could use it; now only its owner can."
            : IsShared ? "and also holds files of others, so it stays as it is; give the installation a directory of its own."
            : "with which other users of this machine may use it, and this program may not change that; where it is no mounted volume, run chmod go= on it.");
}
