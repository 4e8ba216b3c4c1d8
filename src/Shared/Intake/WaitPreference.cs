using FinanceIngest.Http;

namespace FinanceIngest.Intake;

/// <summary>How long a client is ready to wait for the result: <c>Prefer: wait=N</c> (RFC 7240, section 4.3) or the query <c>wait=N</c>.</summary>
public static class WaitPreference
{
    /// <summary>Longest wait in seconds; more is cut to it.</summary>
    public const int MaximumSeconds = 30;

    /// <summary>The wait in seconds; 0 when none is asked for.</summary>
    /// <exception cref="ProblemException">400: it is not a whole number.</exception>
    public static int Seconds(ApiRequest request)
    {
        if (request.Query("wait") is { } query)
        {
            return ApiRequest.ParseInteger("wait", query, 0, MaximumSeconds);
        }

        foreach (string preference in (request.Header("Prefer") ?? "").Split([',', ';'], StringSplitOptions.TrimEntries))
        {
            int equals = preference.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && preference.AsSpan(0, equals).Trim().Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                return ApiRequest.ParseInteger("Prefer", preference[(equals + 1)..].Trim().Trim('"'), 0, MaximumSeconds);
            }
        }

        return 0;
    }
}
