namespace FinanceIngest.Http;

/// <summary>
/// Takes the lines of a header apart again. A proxy, a head and a Functions host may each join the lines of one name by commas (RFC 9110, section 5.3), so that
/// nothing tells a joined value from one line with commas in it: both are read alike.
/// </summary>
internal static class HeaderLines
{
    /// <summary>
    /// The parts between commas outside of quoted strings, without surrounding space. Empty ones are left out, as a Functions host does, unless there is
    /// no other: there is at least one. A quote that no other closes is an ordinary character.
    /// </summary>
    public static List<string> Split(string value)
    {
        if (!value.Contains(',', StringComparison.Ordinal))
        {
            return [value.Trim()];
        }

        var lines = new List<string>();
        int start = 0;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == '"' && EndOfString(value, i) is { } end)
            {
                i = end;
            }
            else if (value[i] == ',')
            {
                lines.Add(value[start..i].Trim());
                start = i + 1;
            }
        }

        lines.Add(value[start..].Trim());
        lines.RemoveAll(line => line.Length == 0);
        return lines.Count > 0 ? lines : [""];
    }

    // The place of the quote that closes a string; null when nothing closes it. A backslash takes its meaning from the character behind it.
    private static int? EndOfString(string value, int start)
    {
        for (int i = start + 1; i < value.Length; i++)
        {
            if (value[i] == '"')
            {
                return i;
            }

            i += value[i] == '\\' ? 1 : 0;
        }

        return null;
    }
}
