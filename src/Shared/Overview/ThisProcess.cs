using System.Globalization;
using System.Reflection;
using FinanceIngest.Configuration;
using FinanceIngest.Transactions;

namespace FinanceIngest.Overview;

/// <summary>What a process says of itself.</summary>
/// <param name="Instance">The machine's name (a pod's, a container's) and the process's number.</param>
/// <param name="Program">Name of the program, such as <c>ScoringWorker</c>.</param>
/// <param name="Version">Its version.</param>
/// <param name="Roles">What it does, such as <c>scorer,dispatcher</c>.</param>
/// <param name="StartedAt">When it started (UTC).</param>
public sealed record ThisProcess(string Instance, string Program, string Version, string Roles, DateTime StartedAt)
{
    // The name of a machine may be as long as its domain allows; the columns hold this many characters.
    private const int LongestInstance = 200;

    /// <summary>This process, as it starts.</summary>
    internal static ThisProcess Of(Settings settings, TimeProvider time)
    {
        string instance = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}");
        return new ThisProcess(
            instance.Length > LongestInstance ? instance[^LongestInstance..] : instance,
            Assembly.GetEntryAssembly()?.GetName().Name ?? "",
            typeof(ThisProcess).Assembly.GetName().Version?.ToString(3) ?? "",
            settings.Roles == Configuration.Roles.None ? "" : settings.Roles.ToString().Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant(),
            time.UtcNowMicroseconds());
    }
}

/// <summary>A process that wrote a batch, as its row in <c>processes</c> says: it is written with a batch, and never by itself.</summary>
/// <param name="Process">Who it is.</param>
/// <param name="SeenAt">When it wrote the row (UTC); batches since then, of some ten seconds at most, are not counted yet.</param>
/// <param name="Batches">Batches that it has written since its start.</param>
/// <param name="Transactions">Transactions in them.</param>
public sealed record ProcessSeen(ThisProcess Process, DateTime SeenAt, long Batches, long Transactions)
{
    /// <summary>The age at which a row is forgotten.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>The most processes that are listed.</summary>
    public const int MostListed = 100;
}
