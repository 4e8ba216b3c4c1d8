using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Makes idempotency keys that are the same when the file is sent again: <c>PREFIX:SHA-256 of the fields:occurrence</c>. The occurrence numbers identical
/// rows of the file, because two equal purchases are two transactions.
/// </summary>
/// <remarks>
/// The prefix distinguishes files. For a row with <c>occurred_at</c> it is the file's name, so that a corrected or extended file adds only its new rows. A row
/// without a time may equal a row of any other day, so its prefix is the hash of the file's whole content: two different files then never swallow each other's
/// rows. Standard input has no name, and all of its rows have the hash of the content.
/// </remarks>
internal sealed class IdempotencyKeys
{
    /// <summary>The longest prefix in characters. With hash and occurrence, the key stays below the API's limit of 255.</summary>
    public const int LongestPrefix = 150;

    private readonly OccurrenceCounter _occurrences = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Lazy<string> _withTime;
    private readonly Lazy<string> _withoutTime;

    /// <param name="prefix">The prefix of all keys; null to choose it as described above.</param>
    /// <param name="fileName">The file's name; null for standard input.</param>
    /// <param name="hashContent">Hashes the file's content; called at most once, and only when a row needs the hash.</param>
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

    /// <summary>Whether a key contains the hash of the file's whole content, so that an edited file gets new keys.</summary>
    public bool UsesContent { get; private set; }

    /// <summary>Returns the row's key; null for a row that is sent as it is.</summary>
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
