using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>Reads the filters of histories from a request's query; an absent one is null.</summary>
internal static class QueryFilters
{
    /// <summary>An instant, RFC 3339.</summary>
    /// <exception cref="ProblemException">400: the parameter is no instant.</exception>
    public static DateTime? QueryTime(this ApiRequest request, string name)
    {
        if (request.Query(name) is not { } text)
        {
            return null;
        }

        // The plus sign of an unescaped "+05:30" arrives as a space.
        string mended = text.Length > 19 && text[^6] == ' ' ? $"{text[..^6]}+{text[^5..]}" : text;
        return Timestamp.TryParseRfc3339(mended, out DateTime instant)
            ? instant
            : throw Problems.Validation(name, "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z");
    }

    /// <summary>The least amount without its sign.</summary>
    /// <exception cref="ProblemException">400: the parameter is no amount, or negative.</exception>
    public static Money? QueryMinAmount(this ApiRequest request) =>
        request.Query("min_amount") is not { } text ? null
        : Money.TryParse(text, out Money amount) == Money.ParseError.None && amount.Units >= 0 ? amount
        : throw Problems.Validation("min_amount", "must be an amount from 0 with at most four decimals");

    /// <summary>A detector, with or without a version.</summary>
    /// <exception cref="ProblemException">400: the parameter names no detector.</exception>
    public static DetectorFilter? QueryDetector(this ApiRequest request) =>
        request.Query("detector") is not { } text ? null
        : DetectorFilter.TryParse(text, out DetectorFilter? filter) ? filter
        : throw Problems.Validation(
            "detector",
            $"must be {DetectorNames.ZScore}, {DetectorNames.Adaptive}, or a version such as {AdaptiveDetector.Version}");

    /// <summary>What was said of a transaction.</summary>
    /// <exception cref="ProblemException">400: the parameter is none of the words.</exception>
    public static VerdictFilter? QueryVerdict(this ApiRequest request) =>
        request.Query("verdict") is not { } text ? null
        : VerdictFilter.TryParse(text, out VerdictFilter? filter) ? filter
        : throw Problems.Validation("verdict", $"must be one of {string.Join(", ", VerdictFilter.Names)}");

    /// <summary>A truth value.</summary>
    /// <exception cref="ProblemException">400: the parameter is neither true nor false.</exception>
    public static bool? QueryBoolean(this ApiRequest request, string name) => request.Query(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw Problems.Validation(name, "must be true or false"),
    };
}
