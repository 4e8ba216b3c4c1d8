using System.Runtime.InteropServices;
using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>
/// A program as the child of a scoring process: reads messages from standard input, a line each, takes them as far as their commit and answers with a line.
/// Opens no port, receives nothing from a queue, exports nothing. Ends when its standard input does, which is also when its parent is killed.
/// </summary>
public static class ScoringChild
{
    /// <summary>The first argument that makes a program such a child. Not for people.</summary>
    public const string Argument = "score-messages";

    /// <summary>The line that says that it takes messages.</summary>
    internal const string Ready = "ready";

    /// <summary>Whether these arguments ask for it.</summary>
    public static bool IsWanted(string[] args) => args is [Argument, ..];

    /// <summary>Answers until standard input ends.</summary>
    public static async Task RunAsync(IServiceProvider services)
    {
        // Signals to the whole group (Ctrl-C) are the parent's business: were this process to end upon one, its message would be blamed.
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
        PosixSignalRegistration[] ignored = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, context => context.Cancel = true))];
        BeFirstToGo();
        var scorer = services.GetRequiredService<MessageScorer>();
        var reader = services.GetRequiredService<EnvelopeReader>();
        var time = services.GetRequiredService<TimeProvider>();
        TextReader input = Console.In;
        await Console.Out.WriteLineAsync(Ready);
        Task<string?> next = ReadLineAsync(input);
        while (await next is { } line)
        {
            // Read ahead, so that the parent's end is noticed in the middle of a message: nothing is written for the dead.
            next = ReadLineAsync(input);
            Task<ScoringOutcome> work = ScoreAsync(line, scorer, reader, time);
            if (await Task.WhenAny(work, next) == next && await next is null)
            {
                Environment.Exit(ProgramHost.Done);
            }

            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(await work));
        }

        Array.ForEach(ignored, registration => registration.Dispose());
    }

    private static Task<string?> ReadLineAsync(TextReader input) => Task.Run(input.ReadLine);

    private static async Task<ScoringOutcome> ScoreAsync(string line, MessageScorer scorer, EnvelopeReader reader, TimeProvider time)
    {
        var handed = IsolatedMessage.Parse(line);
        LeasedMessage message = handed.ToMessage();
        try
        {
            return await scorer.ScoreAsync(reader.Read(message), new Deadline(handed.HeldUntil, time), CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            return new ScoringOutcome { End = ScoringEnd.DatabaseUnavailable, Failure = new ScoringFailure(e.Message) };
        }
    }

    // Where memory runs out, the kernel is to end this process and not its parent. What no system but Linux has, and not every container allows.
    private static void BeFirstToGo()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                File.WriteAllText("/proc/self/oom_score_adj", "1000");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then the larger one goes; the message comes again.
        }
    }

    /// <summary>The parent keeps the lease, this process goes by the time that it had left.</summary>
    private sealed class Deadline(long heldUntil, TimeProvider time) : ILeaseHolder
    {
        public bool IsHeld(LeasedMessage message) => time.GetTimestamp() < heldUntil;

        public void Lose(LeasedMessage message, string stage)
        {
            // The parent counts.
        }
    }
}
