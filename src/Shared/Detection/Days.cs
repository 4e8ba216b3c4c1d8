namespace FinanceIngest.Detection;

/// <summary>Times as days since 1970-01-01, UTC.</summary>
internal static class Days
{
    /// <summary>Most days between two times that count.</summary>
    public const int Most = 40_000;

    /// <summary>Returns the whole day of a time, 0 … 65,535: 1970-01-01 … 2149-06-06.</summary>
    public static ushort Of(DateTime time) => (ushort)Math.Clamp((time - DateTime.UnixEpoch).TotalDays, 0, ushort.MaxValue);

    /// <summary>Returns the days from <paramref name="day"/> to a time, at most <see cref="Most"/> either way.</summary>
    public static int Between(int day, DateTime time) => Math.Clamp(Of(time) - day, -Most, Most);
}
