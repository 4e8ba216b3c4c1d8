using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Configuration;

/// <summary>
/// Finds names outside of the section <c>FinanceIngest</c> that are meant for this system and have no effect as they are written. The environment holds names
/// of many programs, so only near misses count.
/// </summary>
internal static class MisspeltNames
{
    private const string Section = "FinanceIngest";

    private static readonly string[] s_top =
    [
        "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_QUEUE_SERVICE_URI", "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "OTEL_EXPORTER_OTLP_ENDPOINT", "ASPNETCORE_URLS",
    ];

    /// <summary>Refuses the first near miss.</summary>
    /// <param name="configuration">Everything that the program was given.</param>
    /// <param name="known">The names in the section, relative to it, such as <c>Scoring:Threshold</c>.</param>
    /// <exception cref="SettingsException">A name is misspelt.</exception>
    public static void Refuse(IConfiguration configuration, IReadOnlyCollection<string> known)
    {
        foreach (IConfigurationSection top in configuration.GetChildren())
        {
            if (top.Key.Equals(Section, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (Meant(top, known) is { } meant)
            {
                throw new SettingsException(EnvironmentName(top.Path), $"no such setting; did you mean {meant}?");
            }
        }

        // The portal's "connection strings" arrive under this section, where nothing looks for them.
        foreach (IConfigurationSection connection in configuration.GetSection("ConnectionStrings").GetChildren())
        {
            if (Array.Find(s_top, name => Plain(name) == Plain(connection.Key)) is { } name)
            {
                throw new SettingsException(EnvironmentName(connection.Path), $"has no effect as a connection string; set {name} as an ordinary setting.");
            }
        }
    }

    /// <summary>Refuses an argument that is a setting without its section, such as <c>--DataDirectory=x</c>, which would have no effect.</summary>
    /// <param name="args">The program's arguments.</param>
    /// <param name="known">The names in the section, relative to it.</param>
    /// <exception cref="SettingsException">There is such an argument.</exception>
    public static void RefuseArguments(IEnumerable<string> args, IReadOnlyCollection<string> known)
    {
        foreach (string argument in args.Where(argument => argument.StartsWith('-') || argument.StartsWith('/')))
        {
            string name = argument.TrimStart('-', '/').Split('=')[0];
            if (known.FirstOrDefault(path => Plain(path) == Plain(name)) is { } path)
            {
                throw new SettingsException(argument.Split('=')[0], $"no such argument; did you mean --{Section}:{path}?");
            }
        }
    }

    private static string? Meant(IConfigurationSection top, IReadOnlyCollection<string> known)
    {
        string plain = Plain(top.Key);
        string section = Plain(Section);
        if (top.GetChildren().Any())
        {
            // FinanceIngets__Roles
            return IsNear(plain, section) ? $"{Section}__…" : Exact(top.Key) is null && top.Value is null ? OfChildren(top) : null;
        }

        if (string.IsNullOrWhiteSpace(top.Value))
        {
            return null;
        }

        if (plain.StartsWith(section, StringComparison.Ordinal))
        {
            // FINANCEINGEST_DATADIRECTORY, and FINANCE_INGEST_DATADIRECTORY; other names of the latter form belong to clients.
            string rest = plain[section.Length..];
            string? path = rest.StartsWith("APIKEYS", StringComparison.Ordinal)
                ? "ApiKeys:NAME:Secret"
                : known.FirstOrDefault(path => Plain(path) == rest);
            bool isOurs = top.Key.StartsWith(Section, StringComparison.OrdinalIgnoreCase);
            return path is not null ? EnvironmentName($"{Section}:{path}") : isOurs ? $"a name that begins with {Section}__ (two underscores)" : null;
        }

        return Exact(top.Key) is not null ? null : Array.Find(s_top, name => IsNear(plain, Plain(name)));
    }

    // SQL__CONNECTION__STRING is read as three levels.
    private static string? OfChildren(IConfigurationSection top) => top.AsEnumerable()
        .Where(pair => !string.IsNullOrWhiteSpace(pair.Value))
        .Select(pair => Array.Find(s_top, name => Plain(name) == Plain(pair.Key)))
        .FirstOrDefault(name => name is not null);

    private static string? Exact(string key) => Array.Find(s_top, name => name.Equals(key, StringComparison.OrdinalIgnoreCase));

    private static string EnvironmentName(string path) => path.Replace(":", "__", StringComparison.Ordinal);

    private static string Plain(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();

    // One letter too many, too few, wrong, or swapped with its neighbour; two in a long name. A wrong first letter makes another program's name of it
    // (PSQL…), and a digit makes a second one (…STRING2).
    private static bool IsNear(string given, string name)
    {
        int allowed = name.Length >= 20 ? 2 : 1;
        return given.Length > 0 && given[0] == name[0] && !given.Any(char.IsAsciiDigit) && Math.Abs(given.Length - name.Length) <= allowed
            && Distance(given, name) <= allowed;
    }

    // The restricted Damerau-Levenshtein distance.
    private static int Distance(string one, string other)
    {
        int[,] cost = new int[one.Length + 1, other.Length + 1];
        for (int i = 0; i <= one.Length; i++)
        {
            for (int j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int change = one[i - 1] == other[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[one.Length, other.Length];
    }
}
