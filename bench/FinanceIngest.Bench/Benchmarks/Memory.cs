using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The worker's memory while it drains a long queue.</summary>
internal static class Memory
{
    private const int Baselines = 100_000;
    private const int Chunk = 100_000;

    // Memory that grew with the queue would show in so many times the transactions.
    private const int More = 10;

    public static Benchmark Benchmark { get; } = new("memory", "the worker's resident memory while it drains a million transactions, and ten", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(1_000_000);
        (Series embedded, Series embeddedRate) = await RunEmbeddedAsync(context, count);
        (Series longer, Series longerRate) = await RunEmbeddedAsync(context, count * More);
        (Series azure, Series azureRate) = await RunAzuriteAsync(context, count);
        return new Section(
            "Memory",
            $"The queue holds {count:N0} transactions, 1 % of them anomalies, before the worker starts, and {count * More:N0} on embedded storage alone: "
                + $"Azurite's deletes slow down as a queue grows. {Baselines:N0} baselines. Peak resident memory (VmHWM) when the queue is empty. One round "
                + "each: a peak has no warm-up.",
            [azure, azureRate, embedded, embeddedRate, longer, longerRate],
            [
                Ratio.Of(azure with { Name = $"worker's peak resident memory, {count:N0} transactions on Azurite, MiB" }, Target.AtMost(180)),
                Ratio.Of(embedded with { Name = "the same on embedded storage, MiB" }, Target.AtMost(180)),
                Ratio.Of(longer with { Name = $"the same, {count * More:N0} transactions, MiB" }, Target.AtMost(180)),
            ],
            []);
    }

    private static async Task<(Series Peak, Series Rate)> RunEmbeddedAsync(BenchContext context, int count)
    {
        using Installation installation = await Installation.CreateAsync(context.Folder, "embedded", Baselines, context.CancellationToken);
        using EmbeddedQueue queue = installation.OpenInboundQueue();
        await FillAsync(count, messages => queue.FillAsync(messages, context.CancellationToken));
        return await DrainAsync(
            context, installation, count, $"embedded storage, {count:N0} transactions", worker => queue.UntilEmptyAsync(worker, context.CancellationToken));
    }

    private static async Task<(Series Peak, Series Rate)> RunAzuriteAsync(BenchContext context, int count)
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartAsync(context.Folder);
        using Installation installation = await Installation.CreateAsync(context.Folder, "azurite", Baselines, context.CancellationToken);
        AzureQueue queue = await azurite.CreateQueueAsync("transactions-inbound", context.CancellationToken);
        await FillAsync(count, messages => queue.FillAsync(messages, context.CancellationToken));
        return await DrainAsync(
            context,
            installation,
            count,
            "Azurite",
            worker => queue.UntilEmptyAsync(worker, context.CancellationToken),
            ("AZURE_STORAGE_CONNECTION_STRING", azurite.ConnectionString));
    }

    private static async Task FillAsync(int count, Func<IReadOnlyList<MessageBody>, Task> fillAsync)
    {
        var source = new TransactionSource(Baselines, Installation.Ids);
        for (int made = 0; made < count; made += Chunk)
        {
            await fillAsync(source.NextPacked(Math.Min(Chunk, count - made)));
        }
    }

    private static async Task<(Series Peak, Series Rate)> DrainAsync(
        BenchContext context,
        Installation installation,
        int count,
        string where,
        Func<ChildProcess, Task> untilEmptyAsync,
        params (string, string)[] environment)
    {
        BenchContext.Say($"  draining {count:N0} transactions from {where}");
        await using ChildProcess worker = ChildProcess.Start(
            "ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"], [.. installation.Environment, .. environment]);
        await worker.AddressAsync();
        long start = Stopwatch.GetTimestamp();
        await installation.UntilScoredAsync(count, worker, context.CancellationToken);
        await untilEmptyAsync(worker);
        double rate = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        double peak = worker.PeakResidentMebibytes;
        installation.RequireRows(count);
        BenchContext.Say($"  {where}: {peak:N0} MiB, {rate:N0} transactions/s");
        return (new Series($"peak resident memory, {where}", "MiB", [peak]), new Series($"drain rate from a cold start, {where}", "transactions/s", [rate]));
    }
}
