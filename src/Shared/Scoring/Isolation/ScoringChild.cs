using System.Runtime.InteropServices;
using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>
/// A program as the child of a scoring process: it reads messages from standard input, a line each, takes each as far as its commit and answers with a line. It opens
/// no port, receives nothing from a queue and exports nothing. It ends when its standard input does, which is also when its parent is killed.
/// </summary>
public static class ScoringChild
{
    /// <summary>The first argument that makes a program such a child. It is internal: people have no use for it.</summary>
    public const string Argument = "score-messages";

    /// <summary>The line by which the child says that it takes messages.</summary>
    internal const string Ready = "ready";

    /// <summary>Whether a program's arguments make it such a child.</summary>
    public static bool IsWanted(string[] args) => args is [Argument, ..];

    /// <summary>Answers messages until standard input ends.</summary>
    public static async Task RunAsync(IServiceProvider services)
    {
        // The parent handles signals to the whole group (Ctrl-C): if this process ended upon one, its message would be blamed.
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
            // The next line is read ahead, so that the parent's end is noticed in the middle of a message, and nothing is written for a dead parent.
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

    // Where memory runs out, the kernel is to end this process and not its parent. Only Linux has this, and not every container allows it.
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
            // The kernel then ends the larger process, and the message comes again.
        }
    }

    /// <summary>The parent keeps the lease; this process goes by the time that was left of it.</summary>
    private sealed class Deadline(long heldUntil, TimeProvider time) : ILeaseHolder
    {
        public bool IsHeld(LeasedMessage message) => time.GetTimestamp() < heldUntil;

        public void Lose(LeasedMessage message, string stage)
        {
            // The parent counts the loss.
        }
    }
}
