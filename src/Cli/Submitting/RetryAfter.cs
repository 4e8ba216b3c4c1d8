using System.Globalization;
using System.Net.Http.Headers;

namespace FinanceIngest.Cli.Submitting;

/// <summary>Reads the header <c>Retry-After</c> (RFC 9110, section 10.2.3).</summary>
internal static class RetryAfter
{
    /// <summary>The longest pause; a longer one is cut.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Returns the pause for which a response asks, in whole seconds; null when it asks for none, or in no way that can be understood. The fraction that some
    /// servers write is rounded up, so that a request is never repeated too early; of several headers, the longest counts.
    /// </summary>
    public static TimeSpan? Of(HttpResponseHeaders headers, TimeProvider time)
    {
        // The headers' own property knows no fraction, and no number beyond that of int.
        if (!headers.NonValidated.TryGetValues("Retry-After", out HeaderStringValues values))
        {
            return null;
        }

        // A date is compared with the server's own clock if the response has one, because this machine's clock may be wrong.
        DateTimeOffset now = headers.Date ?? time.GetUtcNow();
        return values.Select(value => Read(value.Trim(), now)).Max();
    }

    private static TimeSpan? Read(string value, DateTimeOffset now)
    {
        double seconds;
        if (value.Length > 0 && value.All(c => char.IsAsciiDigit(c) || c == '.'))
        {
            if (!double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out seconds))
            {
                return null;
            }
        }
        else if (RetryConditionHeaderValue.TryParse(value, out RetryConditionHeaderValue? header) && header.Date is { } date)
        {
            seconds = (date - now).TotalSeconds;
        }
        else
        {
            return null;
        }

        return TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(seconds), 0, Longest.TotalSeconds));
    }
}
