using System.Security.Cryptography;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;

namespace FinanceIngest.SigningKeys;

/// <summary>The signing key of an embedded installation: a file in the data directory that is created once and that only its owner can read.</summary>
internal static class SigningKeyFile
{
    /// <summary>Name of the file in the data directory. It belongs in backups: under a new key, repeats of earlier requests get new ids.</summary>
    public const string FileName = "id-signing.key";

    /// <summary>
    /// The key of an installation that has no setting for it. A process that only reads gets, where there is none, one under which no id was ever issued.
    /// </summary>
    /// <inheritdoc cref="ReadOrCreate"/>
    public static string Of(Settings settings) =>
        settings.ReadsOnly && !File.Exists(PathIn(settings.DataDirectory)) ? Make() : ReadOrCreate(settings.DataDirectory);

    /// <summary>Where the file is in a data directory.</summary>
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, FileName);

    /// <summary>Reads the key; creates it when there is none. When several processes start at once, all of them return the same key.</summary>
    /// <exception cref="SettingsException">The folder or the file can't be used.</exception>
    public static string ReadOrCreate(string dataDirectory)
    {
        string path = PathIn(dataDirectory);
        try
        {
            if (!File.Exists(path))
            {
                PrivateFiles.CreateFolder(dataDirectory);
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

    private static string Make() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private static void Create(string path)
    {
        // The key is written to a file of its own and then moved to its place, so that no process reads half a key; the first process to move wins.
        string draft = $"{path}.{Guid.NewGuid():N}";
        using (FileStream file = PrivateFiles.CreateNew(draft))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Make() + "\n"));
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
