namespace FinanceIngest.Ground;

/// <summary>
/// Files and folders that hold people's money: on Unix only their owner may read them (0600 and 0700), from before anything is in them. On Windows they
/// inherit the rights of their folder, and the modes here mean nothing.
/// </summary>
public static class PrivateFiles
{
    /// <summary>The mode of a file: read and write for its owner.</summary>
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The mode of a folder: everything for its owner.</summary>
    public const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute;

    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Creates a folder that is private; one that exists stays as it is.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, FolderMode);
        }
    }

    /// <summary>Creates a new, empty file that is private, and opens it.</summary>
    /// <exception cref="IOException">The file exists already, or can't be created.</exception>
    public static FileStream CreateNew(string path)
    {
        var options = new FileStreamOptions { Mode = System.IO.FileMode.CreateNew, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = FileMode;
        }

        return new FileStream(path, options);
    }

    /// <summary>Creates an empty, private file unless there is one; one that exists is narrowed where that is possible.</summary>
    public static void Ensure(string path)
    {
        if (!File.Exists(path))
        {
            try
            {
                CreateNew(path).Dispose();
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process was faster, and made it private as well.
            }
        }
        else
        {
            TryNarrow(path);
        }
    }

    /// <summary>The mode, if it lets anybody but the owner in; null where it does not, where there is no such file, and on Windows.</summary>
    public static UnixFileMode? WiderMode(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        try
        {
            UnixFileMode mode = File.GetUnixFileMode(path);
            return (mode & Others) == 0 ? null : mode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes everybody else's rights away; false: this process may not, as on a mounted volume that belongs to another user.</summary>
    public static bool TryNarrow(string path)
    {
        if (OperatingSystem.IsWindows() || WiderMode(path) is not { } mode)
        {
            return true;
        }

        try
        {
            File.SetUnixFileMode(path, mode & ~Others);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Writes a mode as people write it, such as <c>0644</c>.</summary>
    public static string Text(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');
}
