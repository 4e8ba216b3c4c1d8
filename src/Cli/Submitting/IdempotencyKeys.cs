using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Gives every row an idempotency key that it gets again when the file is sent again: <c>PREFIX:SHA-256 of the fields:occurrence</c>.
/// The occurrence tells identical rows of the file apart: two equal purchases are two transactions.
/// </summary>
/// <remarks>
/// The prefix tells files apart. Rows that say when they occurred have the file's name: sent again, corrected or grown, the file adds only
/// what is new. Rows that don't could be anybody's on any day: they have the hash of the file's whole content, so that two different files
/// never swallow each other's rows. Standard input has no name and gets the content's hash throughout.
/// </remarks>
internal sealed class IdempotencyKeys
{
    /// <summary>Longest prefix: with hash and occurrence it stays under the API's 255 characters.</summary>
    public const int LongestPrefix = 150;

    private readonly OccurrenceCounter _occurrences = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Lazy<string> _withTime;
    private readonly Lazy<string> _withoutTime;

    /// <param name="prefix">Prefix of all keys; null: as described above.</param>
    /// <param name="fileName">Name of the file; null when it has none.</param>
    /// <param name="hashContent">Hash of the file's content; asked at most once, and only if a row needs it.</param>
    public IdempotencyKeys(string? prefix, string? fileName, Func<string> hashContent)
    {
        var content = new Lazy<string>(() =>
        {
            UsesContent = true;
            return hashContent();
        });
        _withTime = new Lazy<string>(() => prefix ?? (fileName is null ? content.Value : Shorten(fileName)));
        _withoutTime = new Lazy<string>(() => prefix ?? content.Value);
    }

    /// <summary>Whether a key rests on the file's whole content, so that an edited file is another file.</summary>
    public bool UsesContent { get; private set; }

    /// <summary>The row's key; null for a row that is sent as it is.</summary>
    public string? For(SourceRow row)
    {
        if (row.IsComplete)
        {
            return null;
        }

        row.AppendFields(_hash);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetHashAndReset(hash);
        int occurrence = _occurrences.Next(hash);
        string prefix = row.HasOccurredAt ? _withTime.Value : _withoutTime.Value;
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}:{Convert.ToHexStringLower(hash)}:{occurrence}");
    }

    private static string Shorten(string name) =>
        name.Length <= LongestPrefix ? name : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
