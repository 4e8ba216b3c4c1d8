using System.Diagnostics.CodeAnalysis;

namespace FinanceIngest.Ground;

/// <summary>Finds time zones by their names.</summary>
internal static class TimeZones
{
    /// <summary>Finds the zone of a name of the IANA, such as <c>Europe/Berlin</c>, or of Windows.</summary>
    /// <returns>False when this machine knows none of that name.</returns>
    public static bool TryFind(string name, [NotNullWhen(true)] out TimeZoneInfo? zone)
    {
        zone = null;

        // A name is a path below the folder of time zones: one that leads elsewhere is none.
        return name.Length is > 0 and <= 64 && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '_' or '-' or '+' or ' ')
            && TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone);
    }
}
