using System.Globalization;
using System.Text;

namespace FinanceIngest.Cli.Running;

/// <summary>What the program stands on: streams, environment, clock, network.</summary>
internal sealed record CliHost
{
    /// <summary>Standard output: what was asked for, and nothing else.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error: errors, notes, progress.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Opens standard input.</summary>
    public Func<Stream> OpenInput { get; init; } = () => Stream.Null;

    /// <summary>Whether a person reads standard output.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>Whether a person reads standard error.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether a person can answer questions.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>Reads an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Clock of pauses and durations.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Answers HTTP requests instead of the network; null: the network.</summary>
    public HttpMessageHandler? Network { get; init; }

    /// <summary>The real thing.</summary>
    public static CliHost OfThisProcess()
    {
        // The same words and numbers everywhere.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new CliHost
        {
            Output = Console.Out,
            Error = Console.Error,
            OpenInput = Console.OpenStandardInput,
            IsOutputTerminal = !Console.IsOutputRedirected,
            IsErrorTerminal = !Console.IsErrorRedirected,
            IsInputTerminal = !Console.IsInputRedirected,
        };
    }
}
