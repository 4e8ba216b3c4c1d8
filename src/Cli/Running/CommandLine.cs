using System.CommandLine;
using System.CommandLine.Parsing;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Cli.Poison;
using FinanceIngest.Cli.Queueing;
using FinanceIngest.Cli.Retention;
using FinanceIngest.Cli.Storage;
using FinanceIngest.Cli.Submitting;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Storage;

namespace FinanceIngest.Cli.Running;

/// <summary>All commands, and how every one of them ends: an exit code, and for a failure one line on standard error.</summary>
internal static class CommandLine
{
    /// <summary>Exit code after Ctrl-C, as shells have it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    // Long enough to give leased messages back.
    private static readonly TimeSpan s_interruptPatience = TimeSpan.FromSeconds(10);

    /// <summary>Runs one command line.</summary>
    public static async Task<int> RunAsync(string[] args, CliHost host)
    {
        var options = new GlobalOptions();
        ParseResult parsed = CreateRoot(host, options).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            await host.Error.WriteLineAsync($"{Describe(parsed)} Try: finance-ingest {CommandPath(parsed)}--help");
            return ProgramHost.WrongUse;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = host.Output,
                Error = host.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = s_interruptPatience,
            });
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception e)
        {
            await host.Error.WriteLineAsync(SafeText.Line(MessageOf(e)));
            return ExitCodeOf(e);
        }
    }

    private static RootCommand CreateRoot(CliHost host, GlobalOptions options)
    {
        var root = new RootCommand("FinanceIngest's tool for its operator: database, baselines, transactions, queues, poison messages, retention.")
        {
            MigrateCommand.Create(host, options),
            new Command("stats", "Baselines: mean, standard deviation and number of samples of a user and category.")
            {
                StatsImportCommand.Create(host, options),
                StatsExportCommand.Create(host, options),
            },
            SubmitCommand.Create(host, options),
            new Command("queue", "The queues.") { QueueStatusCommand.Create(host, options), QueuePeekCommand.Create(host, options) },
            new Command("poison", "Messages that could not be processed: what failed, why, and putting it back.")
            {
                PoisonListCommand.Create(host, options),
                PoisonShowCommand.Create(host, options),
                PoisonRedriveCommand.Create(host, options),
                PoisonDropCommand.Create(host, options),
            },
            PurgeCommand.Create(host, options),
            new Command("user", "A person's data.") { UserEraseCommand.Create(host, options) },
        };
        root.Options.Add(options.Json);
        root.Options.Add(options.DataDirectory);
        return root;
    }

    // What was typed says more than what was not.
    private static string Describe(ParseResult parsed)
    {
        ParseError error = parsed.Errors.FirstOrDefault(error => error.SymbolResult is not CommandResult, parsed.Errors[^1]);
        return SafeText.Line(error.Message);
    }

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (SymbolResult? symbol = parsed.CommandResult; symbol is CommandResult { Command: not RootCommand } command; symbol = symbol.Parent)
        {
            names.Push($"{command.Command.Name} ");
        }

        return string.Concat(names);
    }

    private static int ExitCodeOf(Exception e) => e switch
    {
        CliException own => own.ExitCode,
        SettingsException or InvalidDataException => ProgramHost.WrongUse,
        _ => ProgramHost.Failed,
    };

    // What is expected to go wrong speaks for itself; anything else is a bug of ours and names its kind.
    private static string MessageOf(Exception e) => e switch
    {
        CliException or SettingsException or StoreUnavailableException or QueueUnavailableException or MigrationException => e.Message,
        BaselineFileException or HttpRequestException or IOException or UnauthorizedAccessException or InvalidDataException => e.Message,
        _ => $"Unexpected {e.GetType().Name}: {e.Message}",
    };
}
