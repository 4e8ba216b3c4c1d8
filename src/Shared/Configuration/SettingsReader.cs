using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using Azure.Storage.Queues;
using FinanceIngest.Detection;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Configuration;

/// <summary>Reads and validates the settings. The first wrong one is reported, and ends the program.</summary>
public static partial class SettingsReader
{
    private const string Section = "FinanceIngest";

    // Azure ends a request to a function app after 230 s, whatever the app does.
    private const int LongestOlderRouteWait = 200;

    private static readonly FrozenSet<string> s_known = new[]
    {
        "DataDirectory", "Roles", "InboundQueue", "AlertQueue", "Scoring:Threshold", "Scoring:MinimumSamples", "Scoring:BatchesInHand", "IdSigningKey",
        "RateLimit:PerMinute", "Retention:Days", "Polling:MaximumSeconds", "Intake:MaximumBytesInFlight", "Intake:MaximumConnections",
        "Jwt:Authority", "Jwt:Audience", "Jwt:ScopePrefix", "OlderRoute:WaitSeconds", "PublicUrl", "Notify:ConsumeAlertQueue", "Notify:LinkTemplate",
        "Detection:Detector", "Detection:Shadow", "Detection:AlertsPerUserMonth", "Detection:Language", "Detection:Currency",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads the settings of one program.</summary>
    /// <exception cref="SettingsException">A setting is wrong, unknown, or required and missing.</exception>
    public static Settings Read(IConfiguration configuration, ProgramKind program)
    {
        IConfigurationSection own = configuration.GetSection(Section);
        UnresolvedValues.Refuse(configuration);
        RefuseUnknownNames(own);
        MisspeltNames.Refuse(configuration, s_known);
        string? dataDirectory = Text(own["DataDirectory"]);
        string? publicUrl = ReadPublicUrl(Text(own["PublicUrl"]));
        var settings = new Settings
        {
            SqlConnectionString = SqlConnectionStringReader.Read(Text(configuration["SQL_CONNECTION_STRING"])),
            StorageConnectionString = ReadStorageConnectionString(configuration),
            QueueServiceUri = ReadQueueServiceUri(configuration),
            DataDirectory = ReadDirectory(dataDirectory ?? "data"),
            Roles = program switch
            {
                ProgramKind.IngestServer =>
                    ReadRoles(Text(own["Roles"]), Roles.Intake | Roles.Scorer | Roles.Dispatcher | Roles.Notifier, "intake, scorer, dispatcher, notifier"),
                ProgramKind.IngestFunction => Roles.Intake,
                ProgramKind.ScoringWorker => ReadRoles(Text(own["Roles"]), Roles.Scorer | Roles.Dispatcher, "scorer, dispatcher, notifier"),
                _ => Roles.None,
            },
            InboundQueue = ReadQueueName(own, "InboundQueue", "transactions-inbound", maximumLength: 56),
            AlertQueue = ReadQueueName(own, "AlertQueue", "anomaly-alerts", maximumLength: 63),
            Threshold = ReadNumber(own, "Scoring:Threshold", 3, 0, double.MaxValue),
            GivenBatchesInHand = (int?)ReadInteger(own, "Scoring:BatchesInHand", 1L, Settings.MostBatchesInHand),
            MinimumSamples = ReadInteger(own, "Scoring:MinimumSamples", 1, int.MaxValue) ?? 2,
            Detector = ReadDetector(own, "Detection:Detector") ?? DetectorNames.ZScore,
            Shadow = ReadShadow(own),
            AlertsPerUserMonth = ReadNumber(own, "Detection:AlertsPerUserMonth", 0.25, 0.001, 1000),
            Language = ReadLanguage(Text(own["Detection:Language"]) ?? "en"),
            Currency = ReadCurrency(Text(own["Detection:Currency"]) ?? ""),
            ApiKeys = ReadApiKeys(own.GetSection("ApiKeys")),
            Jwt = JwtSettingsReader.Read(Text(own["Jwt:Authority"]), Text(own["Jwt:Audience"]), Text(own["Jwt:ScopePrefix"])),
            OlderRouteWaitSeconds = ReadInteger(own, "OlderRoute:WaitSeconds", 0, LongestOlderRouteWait) ?? 30,
            PublicUrl = publicUrl,
            Notify = NotifySettingsReader.Read(own, publicUrl),
            IdSigningKey = Text(own["IdSigningKey"]),
            RateLimitPerMinute = ReadInteger(own, "RateLimit:PerMinute", 1, 100_000_000),
            MaximumBytesInFlight =
                ReadInteger(own, "Intake:MaximumBytesInFlight", Settings.MinimumBytesInFlight, 1L << 40) ?? Settings.DefaultMaximumBytesInFlight,
            MaximumConnections = (int)(ReadInteger(own, "Intake:MaximumConnections", 10L, 1_000_000L) ?? 10_000),
            RetentionDays = ReadInteger(own, "Retention:Days", 1, 36_500),
            MaximumPollInterval = TimeSpan.FromSeconds(ReadNumber(own, "Polling:MaximumSeconds", 2, 0.01, 3600)),
        };
        RefuseClashes(settings);
        settings = WithoutIdleNotifier(settings);
        RefuseUselessStorage(settings, program, dataDirectory is not null, isOnAzure: Text(configuration["WEBSITE_INSTANCE_ID"]) is not null);
        return settings;
    }

    /// <summary>Refuses arguments that name a setting without its section, and so would have no effect.</summary>
    /// <exception cref="SettingsException">There is such an argument.</exception>
    public static void CheckArguments(IEnumerable<string> args) => MisspeltNames.RefuseArguments(args, s_known);

    private static void RefuseClashes(Settings settings)
    {
        if (settings.StorageConnectionString is not null && settings.QueueServiceUri is not null)
        {
            throw new SettingsException(
                "AZURE_STORAGE_QUEUE_SERVICE_URI", "AZURE_STORAGE_CONNECTION_STRING is set too; set one of the two.");
        }

        if (settings.InboundQueue == settings.AlertQueue || settings.PoisonQueue == settings.AlertQueue)
        {
            throw new SettingsException(
                "FinanceIngest__AlertQueue", $"'{settings.AlertQueue}' is also the name of the inbound queue or of its poison queue.");
        }

        if (settings.Notify.Channels.Count > 0)
        {
            if (settings.AlertPoisonQueue.Length > 63)
            {
                throw new SettingsException(
                    "FinanceIngest__AlertQueue",
                    $"'{settings.AlertQueue}' is too long beside a notifier: with '-poison' behind it, it has more than 63 characters.");
            }

            if (settings.AlertPoisonQueue == settings.InboundQueue)
            {
                throw new SettingsException(
                    "FinanceIngest__InboundQueue", $"'{settings.InboundQueue}' is also the name of the alert queue's poison queue.");
            }
        }

        // A notifier alone issues no id: it needs no key, and so has none that could be stolen.
        if (settings.UsesSqlServer && settings.IdSigningKey is null && settings.Roles != Roles.Notifier)
        {
            throw new SettingsException(
                "FinanceIngest__IdSigningKey", "required with SQL_CONNECTION_STRING: the same secret for every process, for the life of the installation.");
        }
    }

    private static string? ReadDetector(IConfigurationSection own, string name) =>
        Text(own[name]) is { } given ? KnownDetector($"{Section}__{name.Replace(":", "__", StringComparison.Ordinal)}", given) : null;

    private static string KnownDetector(string setting, string given) =>
        DetectorNames.All.Contains(given, StringComparer.Ordinal)
            ? given
            : throw new SettingsException(setting, $"'{given}' is no detector; there are {string.Join(" and ", DetectorNames.All)}.");

    private static string[] ReadShadow(IConfigurationSection own)
    {
        const string name = "FinanceIngest__Detection__Shadow";
        string[] shadow = [.. (Text(own["Detection:Shadow"]) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(given => KnownDetector(name, given)).Distinct()];
        string decides = ReadDetector(own, "Detection:Detector") ?? DetectorNames.ZScore;
        return shadow.Contains(decides)
            ? throw new SettingsException(name, $"'{decides}' is the detector that decides; a shadow scores beside it and has to be another one.")
            : shadow;
    }

    private static string ReadLanguage(string given) => Wording.Languages.Contains(given, StringComparer.Ordinal)
        ? given
        : throw new SettingsException(
            "FinanceIngest__Detection__Language",
            $"there are no sentences in '{given}'; there are in {string.Join(", ", Wording.Languages.Order(StringComparer.Ordinal))}.");

    private static string ReadCurrency(string given) => given.Length <= 8 && given.All(static letter => !char.IsControl(letter))
        ? given
        : throw new SettingsException("FinanceIngest__Detection__Currency", "at most 8 characters, such as EUR or \"€\".");

    // Refuses embedded storage that no other process would ever read, or that would vanish with the machine of this process.
    private static void RefuseUselessStorage(Settings settings, ProgramKind program, bool isDataDirectoryGiven, bool isOnAzure)
    {
        if (program == ProgramKind.IngestFunction && !settings.UsesAzureQueues)
        {
            throw new SettingsException(
                "AZURE_STORAGE_CONNECTION_STRING", "required (or AZURE_STORAGE_QUEUE_SERVICE_URI): a function app can't keep embedded queues.");
        }

        if (program == ProgramKind.IngestFunction && isDataDirectoryGiven && isOnAzure)
        {
            throw new SettingsException(
                $"{Section}__DataDirectory", "not allowed on Azure, where the disk of an instance is lost with the instance; set SQL_CONNECTION_STRING "
                    + "instead.");
        }

        bool mustShareResults = program is ProgramKind.IngestFunction or ProgramKind.ScoringWorker && settings.UsesAzureQueues;
        if (mustShareResults && !settings.UsesSqlServer && !isDataDirectoryGiven)
        {
            throw new SettingsException(
                "SQL_CONNECTION_STRING",
                "required with Azure queues (or set FinanceIngest__DataDirectory): no other process would find results in a default local folder.");
        }
    }

    // An unknown name is probably a typing error; without this check it would have no effect, and no message.
    private static void RefuseUnknownNames(IConfigurationSection own)
    {
        foreach ((string path, string? value) in own.AsEnumerable(makePathsRelative: true))
        {
            // The reader of channels knows the names of each type, and refuses any other.
            bool isOfChannel = path.StartsWith(NotifySettingsReader.Channels, StringComparison.OrdinalIgnoreCase);
            if (value is not null && path.Length > 0 && !isOfChannel && !s_known.Contains(path) && !ApiKeyName().IsMatch(path))
            {
                string known = string.Join(", ", s_known.Order().Select(Name));
                throw new SettingsException(
                    Name(path),
                    $"no such setting; known are {known}, {Section}__ApiKeys__NAME__Secret and __Scopes, {Section}__Notify__Channels__NAME__Type and the other "
                        + "settings of a channel (docs/notifications.md).");
            }
        }
    }

    private static string? ReadStorageConnectionString(IConfiguration configuration)
    {
        const string name = "AZURE_STORAGE_CONNECTION_STRING";
        string? value = Text(configuration[name]);
        if (value is null)
        {
            return null;
        }

        try
        {
            _ = new QueueServiceClient(value);
            return value;
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new SettingsException(name, "not an Azure Storage connection string (expected AccountName=…;AccountKey=… or UseDevelopmentStorage=true).");
        }
    }

    private static Uri? ReadQueueServiceUri(IConfiguration configuration)
    {
        const string name = "AZURE_STORAGE_QUEUE_SERVICE_URI";
        string? value = Text(configuration[name]);
        return value is null ? null
            : Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps ? uri
            : throw new SettingsException(name, "not an https address such as https://ACCOUNT.queue.core.windows.net.");
    }

    // A user name or a query would get into every answer, and a client compares the rest with the address that it sends its key to.
    private static string? ReadPublicUrl(string? value) =>
        value is null ? null
        : Uri.TryCreate(value, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            && uri.Host.Length > 0 && uri.UserInfo.Length + uri.Query.Length + uri.Fragment.Length == 0 && value.IndexOfAny(['?', '#', '\\']) < 0
            ? new UriBuilder(uri) { Host = uri.IdnHost }.Uri.AbsoluteUri.TrimEnd('/')
        : throw new SettingsException(
            $"{Section}__PublicUrl", $"'{value}' is not an http or https address such as https://finance.example/ingest, without user, query and fragment.");

    private static string ReadDirectory(string value)
    {
        try
        {
            return Path.GetFullPath(value);
        }
        catch (ArgumentException e)
        {
            throw new SettingsException($"{Section}__DataDirectory", $"'{value}' is not a path: {e.Message}");
        }
    }

    private static Roles ReadRoles(string? value, Roles unset, string allowed) =>
        value is null ? unset : ReadFlags<Roles>($"{Section}__Roles", value, allowed);

    // A notifier without a channel has nobody to tell, and one beside a Logic App would take half of its alerts.
    private static Settings WithoutIdleNotifier(Settings settings)
    {
        if (!settings.Roles.HasFlag(Roles.Notifier) || settings.IsNotifying)
        {
            return settings;
        }

        return settings.Roles != Roles.Notifier ? settings with { Roles = settings.Roles & ~Roles.Notifier }
            : settings.Notify.Channels.Count == 0 ? throw new SettingsException(
                $"{Section}__Roles", $"names the notifier alone, and there is no channel: set {Section}__Notify__Channels__NAME__Type and its other settings.")
            : throw new SettingsException(
                $"{Section}__Notify__ConsumeAlertQueue",
                $"required with the role notifier alone on Azure queues: true says that the notifier, and no Logic App, takes '{settings.AlertQueue}'.");
    }

    private static List<ApiKeySetting> ReadApiKeys(IConfigurationSection section)
    {
        var keys = new List<ApiKeySetting>();
        foreach (IConfigurationSection key in section.GetChildren())
        {
            string name = $"{Section}__ApiKeys__{key.Key}";
            string secret = Text(key["Secret"]) ?? throw new SettingsException($"{name}__Secret", "missing or empty.");
            if (keys.Find(other => other.Secret == secret) is { } twin)
            {
                throw new SettingsException($"{name}__Secret", $"the same secret as key '{twin.Name}'.");
            }

            Scopes scopes = Text(key["Scopes"]) is { } text
                ? ReadFlags<Scopes>($"{name}__Scopes", text, "submit, read, manage, admin")
                : Scopes.Submit | Scopes.Read;
            keys.Add(new ApiKeySetting(key.Key, secret, scopes));
        }

        return keys;
    }

    private static T ReadFlags<T>(string setting, string value, string allowed)
        where T : struct, Enum
    {
        int flags = 0;
        foreach (string name in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!allowed.Split(", ").Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new SettingsException(setting, $"'{name}' is not one of {allowed}.");
            }

            flags |= Convert.ToInt32(Enum.Parse<T>(name, ignoreCase: true), CultureInfo.InvariantCulture);
        }

        return flags == 0
            ? throw new SettingsException(setting, $"names none of {allowed}.")
            : (T)Enum.ToObject(typeof(T), flags);
    }

    private static string ReadQueueName(IConfigurationSection own, string name, string unset, int maximumLength)
    {
        string value = Text(own[name]) ?? unset;
        return value.Length >= 3 && value.Length <= maximumLength && QueueName().IsMatch(value)
            ? value
            : throw new SettingsException(
                $"{Section}__{name}",
                $"'{value}' is not a legal Azure queue name (3 to {maximumLength} lower-case letters, digits and single hyphens between them).");
    }

    private static double ReadNumber(IConfigurationSection own, string path, double unset, double minimum, double maximum)
    {
        string? text = Text(own[path]);
        return text is null ? unset
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= minimum && value <= maximum ? value
            : throw new SettingsException(Name(path), string.Create(
                CultureInfo.InvariantCulture, $"'{text}' is not a number from {minimum}{(maximum == double.MaxValue ? " up" : $" to {maximum}")}."));
    }

    private static int? ReadInteger(IConfigurationSection own, string path, int minimum, int maximum) => (int?)ReadInteger(own, path, (long)minimum, maximum);

    private static long? ReadInteger(IConfigurationSection own, string path, long minimum, long maximum)
    {
        string? text = Text(own[path]);
        return text is null ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= minimum && value <= maximum ? value
            : throw new SettingsException(Name(path), $"'{text}' is not a whole number from {minimum} to {maximum}.");
    }

    private static string Name(string path) => $"{Section}__{path.Replace(":", "__", StringComparison.Ordinal)}";

    // An empty environment variable counts as unset: compose files and manifests can't leave a variable out.
    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    [GeneratedRegex("^ApiKeys:[^:]+:(Secret|Scopes)$", RegexOptions.IgnoreCase)]
    private static partial Regex ApiKeyName();

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex QueueName();
}
