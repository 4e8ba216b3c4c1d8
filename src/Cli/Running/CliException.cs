using FinanceIngest.Hosting;

namespace FinanceIngest.Cli.Running;

/// <summary>Ends the program with one line on standard error and an exit code.</summary>
/// <param name="message">The line.</param>
/// <param name="exitCode"><see cref="ProgramHost.Failed"/> or <see cref="ProgramHost.WrongUse"/>.</param>
internal sealed class CliException(string message, int exitCode = ProgramHost.Failed) : Exception(message)
{
    /// <summary>The program's exit code.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>Makes the exception for a command line that asks for something impossible.</summary>
    public static CliException WrongUse(string message) => new(message, ProgramHost.WrongUse);
}
