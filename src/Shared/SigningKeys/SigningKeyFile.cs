using System.Security.Cryptography;
using FinanceIngest.Configuration;

namespace FinanceIngest.SigningKeys;

/// <summary>The embedded installation's signing key: made once, kept in the data directory, readable by its owner only.</summary>
internal static class SigningKeyFile
{
    /// <summary>Name of the file in the data directory. Back it up: without it repeats are not recognised.</summary>
    public const string FileName = "id-signing.key";

    /// <summary>Reads the key, or makes it. Safe when several processes start at once: they all end with the same key.</summary>
    /// <exception cref="SettingsException">The folder or the file can't be used.</exception>
    public static string ReadOrCreate(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        try
        {
            Directory.CreateDirectory(dataDirectory);
            if (!File.Exists(path))
            {
                Create(path);
            }

            string key = File.ReadAllText(path).Trim();
            return key.Length > 0 ? key : throw new SettingsException("FinanceIngest__IdSigningKey", $"{path} is empty; restore it from a backup.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException("FinanceIngest__DataDirectory", $"{dataDirectory} can't be used: {e.Message}");
        }
    }

    private static void Create(string path)
    {
        // Written whole beside its place, then moved there unless another process was first.
        string draft = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(draft, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n"));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(draft, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(draft);
        }
    }
}
