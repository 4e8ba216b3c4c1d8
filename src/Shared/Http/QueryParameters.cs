using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>The parameters of a query, decoded, in their order. The case of names is ignored.</summary>
internal sealed class QueryParameters
{
    /// <summary>The key, which every route takes (see <see cref="ApiKeys"/>).</summary>
    public const string Key = "code";

    private const int LongestName = 64;
    private static readonly QueryParameters s_none = new([]);
    private readonly List<(string Name, string Value)> _all;

    private QueryParameters(List<(string Name, string Value)> all) => _all = all;

    /// <summary>Reads a query. Any text is one: a malformed escape stays as it is, and a parameter without an equals sign is empty.</summary>
    /// <param name="query">The query as it was sent, with or without its question mark.</param>
    public static QueryParameters Parse(string query)
    {
        ReadOnlySpan<char> text = query.StartsWith('?') ? query.AsSpan(1) : query;
        if (text.IsEmpty)
        {
            return s_none;
        }

        var all = new List<(string, string)>();
        foreach (Range range in text.Split('&'))
        {
            ReadOnlySpan<char> parameter = text[range];
            int equals = parameter.IndexOf('=');
            if (!parameter.IsEmpty)
            {
                all.Add(equals < 0 ? (Decode(parameter), "") : (Decode(parameter[..equals]), Decode(parameter[(equals + 1)..])));
            }
        }

        return new QueryParameters(all);
    }

    /// <summary>The first value of a parameter; null when it is absent.</summary>
    public string? First(string name) => _all.Find(parameter => Same(parameter.Name, name)).Value;

    /// <summary>How often a parameter is given.</summary>
    public int Count(string name) => _all.Count(parameter => Same(parameter.Name, name));

    /// <summary>
    /// Refuses what would be ignored: a filter that does not filter shows somebody else's money. The key is excepted, which may be there for a proxy or a
    /// platform.
    /// </summary>
    /// <param name="known">The parameters of the route.</param>
    /// <exception cref="ProblemException">400: a parameter is unknown, repeated or empty.</exception>
    public void RequireKnown(IReadOnlyList<string> known)
    {
        ValidationErrors? errors = null;
        foreach (IGrouping<string, (string Name, string Value)> given in _all.GroupBy(parameter => parameter.Name, StringComparer.OrdinalIgnoreCase))
        {
            string? error = Same(given.Key, Key) ? null
                : !known.Contains(given.Key, StringComparer.OrdinalIgnoreCase) ? NotKnown(known)
                : given.Skip(1).Any() ? "is given more than once"
                : given.First().Value.Length == 0 ? "must not be empty"
                : null;
            if (error is not null)
            {
                (errors ??= new ValidationErrors()).Add(Shown(given.Key), error);
            }
        }

        if (errors is not null)
        {
            throw Problems.Validation(errors);
        }
    }

    private static string NotKnown(IReadOnlyList<string> known) =>
        $"is no parameter of this route, which takes {(known.Count == 0 ? "none" : "only " + string.Join(", ", known))}";

    // A parameter may have no name ("?=5"), and a name may be as long as a request's first line.
    private static string Shown(string name) => name.Length == 0 ? "?" : name.Length > LongestName ? name[..LongestName] + "…" : name;

    private static bool Same(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string Decode(ReadOnlySpan<char> text) => Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
}
