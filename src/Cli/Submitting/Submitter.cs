using System.Buffers;
using System.Threading.Channels;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Sends a file's rows to the API. One thread reads rows and makes batches while a few requests are under way; reading waits for the requests, so that a file
/// of any size needs the memory of a few batches.
/// </summary>
/// <param name="sender">Sends a batch.</param>
/// <param name="tally">Counts the outcomes of rows.</param>
/// <param name="batchSize">The largest number of rows in a batch.</param>
internal sealed class Submitter(BatchSender sender, SubmitTally tally, int batchSize)
{
    private const int Concurrency = 4;

    // Half of the API's limit for a body.
    private const int MaximumBody = 8 * 1024 * 1024;

    /// <summary>Sends all rows. When it ends early, <see cref="SubmitTally.Stopped"/> says why.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled the submission.</exception>
    public async Task RunAsync(IEnumerable<SourceRow> rows, IdempotencyKeys keys, CancellationToken cancellationToken)
    {
        var batches = Channel.CreateBounded<SubmitBatch>(1);
        Task reading = Task.Run(() => ReadAsync(rows, keys, batches.Writer, cancellationToken), CancellationToken.None);

        // The other senders wait for the first request, so that an API that can't be reached or refuses is reported once.
        var trial = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Task.WhenAll(Enumerable.Range(0, Concurrency).Select(i => SendAsync(batches.Reader, trial, isTrial: i == 0, cancellationToken)));

        // A read from a pipe can't be cancelled, so the reading thread is abandoned.
        await reading.WaitAsync(cancellationToken);
    }

    private async Task ReadAsync(IEnumerable<SourceRow> rows, IdempotencyKeys keys, ChannelWriter<SubmitBatch> batches, CancellationToken cancellationToken)
    {
        try
        {
            foreach (SubmitBatch batch in MakeBatches(rows, keys))
            {
                await batches.WriteAsync(batch, cancellationToken);
                if (tally.Stopped is not null)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is CliException or IOException)
        {
            tally.Stop(e.Message);
        }
        finally
        {
            batches.Complete();
        }
    }

    private IEnumerable<SubmitBatch> MakeBatches(IEnumerable<SourceRow> rows, IdempotencyKeys keys)
    {
        var repeats = new KeyRepeats();
        var batch = new SubmitBatch();
        foreach (SourceRow row in rows)
        {
            tally.CountRow();
            if (row.Problem is not null)
            {
                tally.Reject(row.Line, row.Problem);
                continue;
            }

            if (row.OwnKey is { } own && repeats.Meet(own.User, own.Key, row.Line) is { } first)
            {
                tally.CountRepeatedKey(new RepeatedKey(row.Line, first));
            }

            var json = new ArrayBufferWriter<byte>(320);
            row.WriteJson(json, keys.For(row));
            if (batch.Count == batchSize || (batch.Count > 0 && batch.Length + json.WrittenCount > MaximumBody))
            {
                yield return batch;
                batch = new SubmitBatch();
            }

            batch.Add(row.Line, json.WrittenMemory);
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    // After a stop, batches are still taken (but not sent), so that the reader does not wait for ever. Requests that are under way end by themselves.
    private async Task SendAsync(ChannelReader<SubmitBatch> batches, TaskCompletionSource trial, bool isTrial, CancellationToken cancellationToken)
    {
        try
        {
            await (isTrial ? Task.CompletedTask : trial.Task);
            await foreach (SubmitBatch batch in batches.ReadAllAsync(cancellationToken))
            {
                if (tally.Stopped is null)
                {
                    await SendAsync(batch, cancellationToken);
                }

                trial.TrySetResult();
            }
        }
        finally
        {
            trial.TrySetResult();
        }
    }

    private async Task SendAsync(SubmitBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            await sender.SendAsync(batch, cancellationToken);
        }
        catch (CliException e)
        {
            tally.Stop(e.Message);
        }
    }
}
