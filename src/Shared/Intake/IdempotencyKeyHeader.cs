using System.Text;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>
/// Reads the header <c>Idempotency-Key</c>: a plain text, or a structured-field string (RFC 9651, section 3.3.3) whose quotes are stripped. A retry wrapper or
/// a proxy may add the same line again; a comma separates lines (see <see cref="HeaderLines"/>), so a key that contains one needs quotes.
/// </summary>
internal static class IdempotencyKeyHeader
{
    private const string Name = "Idempotency-Key";

    /// <summary>The key, or null when the header is absent.</summary>
    /// <exception cref="ProblemException">400: the key is empty or too long, or there are different ones.</exception>
    public static string? Read(ApiRequest request)
    {
        if (request.Header(Name) is not { } value)
        {
            return null;
        }

        string[] keys = [.. HeaderLines.Split(value).Select(Unquote).Distinct(StringComparer.Ordinal)];
        return !Array.TrueForAll(keys, TransactionFields.IsLegalKey)
                ? throw Problems.Validation(Name, $"must have 1 to {TransactionFields.MaximumKeyLength} characters")
            : keys is [var key] ? key
            : throw Problems.Validation(Name, "is given more than once, with different keys; a key that contains a comma needs quotes");
    }

    private static string Unquote(string value)
    {
        if (value.Length < 2 || value[0] != '"' || value[^1] != '"')
        {
            return value;
        }

        var text = new StringBuilder(value.Length);
        for (int i = 1; i < value.Length - 1; i++)
        {
            i += value[i] == '\\' && i + 2 < value.Length ? 1 : 0;
            text.Append(value[i]);
        }

        return text.ToString();
    }
}
