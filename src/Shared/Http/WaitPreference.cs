namespace FinanceIngest.Http;

/// <summary>
/// How long a client is ready to wait for the result: <c>Prefer: wait=N</c> (RFC 7240, section 4.3) or the query <c>wait=N</c>. Of several waits in the header,
/// in one line or in many, the first holds (section 2).
/// </summary>
internal static class WaitPreference
{
    /// <summary>The longest wait in seconds; a longer one is cut to it.</summary>
    public const int MaximumSeconds = 30;

    /// <summary>The wait in seconds; 0 when the request asks for none.</summary>
    /// <exception cref="ProblemException">400: the wait is not a whole number.</exception>
    public static int Seconds(ApiRequest request) => Find(request) ?? 0;

    /// <summary>The wait in seconds; 0 with <c>respond-async</c> alone; null when the request says nothing about waiting.</summary>
    /// <exception cref="ProblemException">400: the wait is not a whole number.</exception>
    public static int? Find(ApiRequest request)
    {
        if (request.Query("wait") is { } query)
        {
            return ApiRequest.ParseInteger("wait", query, 0, MaximumSeconds);
        }

        int? unset = null;
        foreach (string preference in Preferences(request.Header("Prefer") ?? ""))
        {
            string[] parts = preference.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts[0].Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                return ApiRequest.ParseInteger("Prefer", parts.Length == 2 ? parts[1].Trim('"') : "", 0, MaximumSeconds);
            }

            unset = parts[0].Equals("respond-async", StringComparison.OrdinalIgnoreCase) ? 0 : unset;
        }

        return unset;
    }

    // Preferences are separated by commas and semicolons outside of quoted strings.
    private static IEnumerable<string> Preferences(string header)
    {
        int start = 0;
        bool quoted = false;
        for (int i = 0; i < header.Length; i++)
        {
            quoted ^= header[i] == '"';
            if (!quoted && header[i] is (',' or ';'))
            {
                yield return header[start..i].Trim();
                start = i + 1;
            }
        }

        yield return header[start..].Trim();
    }
}
