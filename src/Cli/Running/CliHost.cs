using System.Globalization;
using System.Text;

namespace FinanceIngest.Cli.Running;

/// <summary>The surroundings of the program: streams, environment, clock, network.</summary>
internal sealed record CliHost
{
    private const int DefaultWidth = 80;

    /// <summary>Standard output, for the result of a command and nothing else.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error, for errors, notes and progress.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether a command has written its answer as JSON.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Opens standard input.</summary>
    public Func<Stream> OpenInput { get; init; } = () => Stream.Null;

    /// <summary>Whether standard output is a terminal.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>Columns of the terminal on standard output.</summary>
    public Func<int> OutputWidth { get; init; } = () => DefaultWidth;

    /// <summary>Whether standard error is a terminal.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether standard input is a terminal, so that a person can answer questions.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>Reads an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The clock of pauses and durations.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long one part of an installation is waited for, where the others can be shown without it.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Answers HTTP requests in place of the network; null to use the network.</summary>
    public HttpMessageHandler? Network { get; init; }

    /// <summary>Returns the surroundings of the real process, and sets its culture and output encoding.</summary>
    public static CliHost OfThisProcess()
    {
        // Output is the same in every culture.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new CliHost
        {
            Output = Console.Out,
            Error = Console.Error,
            OpenInput = Console.OpenStandardInput,
            IsOutputTerminal = !Console.IsOutputRedirected,
            OutputWidth = WidthOfTerminal,
            IsErrorTerminal = !Console.IsErrorRedirected,
            IsInputTerminal = !Console.IsInputRedirected,
        };
    }
    private static int WidthOfTerminal()
    {
        try
        {
            return Console.WindowWidth is > 0 and int width ? width : DefaultWidth;
        }
        catch (IOException)
        {
            return DefaultWidth;
        }
    }
}
