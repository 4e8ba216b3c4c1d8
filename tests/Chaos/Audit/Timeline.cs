using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Audit;

/// <summary>A table in Markdown with counts at regular times and the events between them.</summary>
internal sealed class Timeline(Installation installation, Ledger ledger) : IDisposable
{
    private readonly List<string> _lines =
    [
        "| seconds | acknowledged | refused | rows | alerts unsent | on the inbound queue | on the alert queue | |", "|---:|---:|---:|---:|---:|---:|---:|---|",
    ];
    private readonly List<string> _events = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly long _begun = Stopwatch.GetTimestamp();
    private Task _run = Task.CompletedTask;

    public IReadOnlyList<string> Lines => _lines;

    public void Start(TimeSpan every) => _run = Task.Run(() => RunAsync(every));

    /// <summary>Adds an event, which the next line mentions.</summary>
    public void Note(string what)
    {
        lock (_events)
        {
            _events.Add(what);
        }
    }

    /// <summary>Writes the last line.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run;
        await AddAsync();
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync(TimeSpan every)
    {
        using var timer = new PeriodicTimer(every);
        await AddAsync();
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await AddAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // StopAsync was called.
        }
    }

    private async Task AddAsync()
    {
        var rows = new Rows(installation);
        string events;
        lock (_events)
        {
            events = string.Join("; ", _events);
            _events.Clear();
        }

        string inbound = await LengthAsync(Installation.InboundQueue);
        string alerts = await LengthAsync(Installation.AlertQueue);
        _lines.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Stopwatch.GetElapsedTime(_begun).TotalSeconds:F0} | {ledger.Count} | {ledger.Refusals} | {rows.Count()} | {rows.Unsent()} "
                + $"| {inbound} | {alerts} | {events} |"));
    }

    private async Task<string> LengthAsync(string queue)
    {
        try
        {
            return (await installation.Queue(queue).LengthAsync(CancellationToken.None)).ToString(CultureInfo.InvariantCulture);
        }
        catch (Azure.RequestFailedException)
        {
            return "down";
        }
    }
}
