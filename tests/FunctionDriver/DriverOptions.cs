namespace FinanceIngest.FunctionDriver;

/// <summary>The options by which the driver runs an app.</summary>
internal sealed record DriverOptions
{
    /// <summary>The port on 127.0.0.1; 0 takes a free one.</summary>
    public required int Port { get; init; }

    /// <summary>The key that opens functions of the level Function. When it is null, only <see cref="AdminKey"/> opens them.</summary>
    public string? FunctionKey { get; init; }

    /// <summary>The master key, which opens functions of every level. When this key and <see cref="FunctionKey"/> are null, every function is open.</summary>
    public string? AdminKey { get; init; }

    /// <summary>Environment variables of the app, in addition to the driver's own.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Whether values of local.settings.json become environment variables, unless the environment already has a variable of that name.</summary>
    public bool ReadsLocalSettings { get; init; }

    /// <summary>Whether the driver prints every log line of the worker.</summary>
    public bool IsVerbose { get; init; }
}
