namespace FinanceIngest.FunctionDriver;

/// <summary>How an app is run.</summary>
internal sealed record DriverOptions
{
    /// <summary>Port on 127.0.0.1; 0: a free one.</summary>
    public required int Port { get; init; }

    /// <summary>Opens functions of the level Function; null: only <see cref="AdminKey"/> does.</summary>
    public string? FunctionKey { get; init; }

    /// <summary>The master key, which opens functions of every level. Null here and in <see cref="FunctionKey"/>: no key is asked for.</summary>
    public string? AdminKey { get; init; }

    /// <summary>Environment variables of the app, beside those that the driver itself has.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Whether the values of local.settings.json become environment variables where there is none of that name.</summary>
    public bool ReadsLocalSettings { get; init; }

    /// <summary>Whether every log line of the worker is printed.</summary>
    public bool IsVerbose { get; init; }
}
