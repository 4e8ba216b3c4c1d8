using FinanceIngest.Configuration;
using FinanceIngest.Ground;

namespace FinanceIngest.SigningKeys;

/// <summary>
/// The signing key of this process and, where it came from a file, whether that file still holds it. Ids under a key that is in no file any more would be
/// unknown after a restart, and their messages forged to every other process, so that none is issued until the file is back.
/// </summary>
/// <remarks>
/// The content is compared, not the file's number and time: a copy that is put back in its place is as good as the first, and another key that keeps both is
/// not.
/// </remarks>
internal sealed class SigningKey
{
    /// <summary>How long a look at the file holds for those who issue ids.</summary>
    public static readonly TimeSpan LookHolds = TimeSpan.FromSeconds(1);

    // A line end or two behind the key, as editors add them.
    private const int MostWhiteSpace = 8;

    private readonly string? _path;
    private readonly TimeProvider _time;
    private readonly DependencyStatus _status;
    private long _lookedAt;
    private volatile SigningKeyLostException? _lost;

    /// <param name="secret">The key.</param>
    /// <param name="path">The file that it was read from; null: the key came from a setting, which is read once.</param>
    /// <param name="time">The clock of <see cref="LookHolds"/>.</param>
    /// <param name="status">Learns of each look, and looks itself when it is asked for trouble.</param>
    public SigningKey(string secret, string? path, TimeProvider time, DependencyStatus status)
    {
        Secret = secret;
        _path = path;
        _time = time;
        _status = status;
        _lookedAt = time.GetTimestamp();
        status.Watch(FindLoss);
    }

    /// <summary>The key, as it was when the process started.</summary>
    public string Secret { get; }

    /// <summary>Reads the key of an installation, or makes it for one that has none yet.</summary>
    /// <exception cref="SettingsException">The folder or the file can't be used.</exception>
    public static SigningKey Of(Settings settings, TimeProvider time, DependencyStatus status) =>
        settings.IdSigningKey is { } set ? new SigningKey(set, null, time, status)
        : new SigningKey(SigningKeyFile.Of(settings), settings.ReadsOnly ? null : SigningKeyFile.PathIn(settings.DataDirectory), time, status);

    /// <summary>Ends quietly where ids may be issued. The last look at the file holds for a second.</summary>
    /// <exception cref="SigningKeyLostException">The file is gone, or holds another key.</exception>
    public void Require()
    {
        if (_path is not null && _time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) >= LookHolds)
        {
            FindLoss();
        }

        if (_lost is { } lost)
        {
            throw lost;
        }
    }

    private SigningKeyLostException? FindLoss()
    {
        if (_path is null)
        {
            return null;
        }

        Interlocked.Exchange(ref _lookedAt, _time.GetTimestamp());
        string? problem = Look(_path);
        _lost = problem is null ? null : new SigningKeyLostException(_path, problem);
        if (_lost is null)
        {
            _status.Succeeded();
        }

        return _lost;
    }

    private string? Look(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return !file.Exists ? "is gone"
                : file.Length >= Secret.Length && file.Length <= Secret.Length + MostWhiteSpace && File.ReadAllText(path).Trim() == Secret ? null
                : "holds another key";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "is gone";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"can't be read ({e.Message.TrimEnd('.')})";
        }
    }
}

/// <summary>The file of the signing key is gone, or holds another key than this process. A person has to act: no id is issued meanwhile.</summary>
internal sealed class SigningKeyLostException(string path, string problem) : IOException(
    $"the signing key file {path} {problem}, while this program has the key that it held before. An id that is issued now would be unknown after a restart, "
    + "so none is. Put the file back as it was.");
