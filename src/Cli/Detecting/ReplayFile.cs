using System.Globalization;
using System.Text;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Replay;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Detecting;

/// <summary>Writes the rows of a replay as CSV (RFC 4180, UTF-8). The file appears complete or not at all, and replaces an existing one.</summary>
internal static class ReplayFile
{
    /// <summary>The columns.</summary>
    public const string Header = "id,user_id,category_id,amount,occurred_at,was_anomaly,is_anomaly,score,surprise,explanation";

    private const int BufferSize = 64 * 1024;

    /// <summary>Reads all rows, and writes them.</summary>
    /// <param name="path">The file; null: the rows are only read.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellationToken">Abandons the writing; an existing file then stays as it was.</param>
    /// <exception cref="CliException">The file can't be written.</exception>
    public static async Task WriteAsync(string? path, IAsyncEnumerable<ReplayedRow> rows, CancellationToken cancellationToken)
    {
        if (path is null)
        {
            await foreach (ReplayedRow _ in rows.WithCancellation(cancellationToken))
            {
                // The summary counts them.
            }

            return;
        }

        string partial = $"{path}.{Guid.NewGuid():N}.partial";
        StreamWriter writer = Guard(path, () => new StreamWriter(PrivateFiles.CreateNew(partial), new UTF8Encoding(false), BufferSize));
        try
        {
            await using (writer)
            {
                await writer.WriteAsync($"{Header}\n");
                await foreach (ReplayedRow row in rows.WithCancellation(cancellationToken))
                {
                    string line = Line(row);
                    Guard(path, () => writer.Write(line));
                }

                Guard(path, () =>
                {
                    writer.Flush();
                    ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
                });
            }

            Guard(path, () => File.Move(partial, path, overwrite: true));
        }
        finally
        {
            Discard(partial);
        }
    }

    private static string Line(in ReplayedRow replayed)
    {
        HistoryRow row = replayed.Row;
        string stored = string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Id:D},{row.UserId},{row.CategoryId},{row.Amount:0.00##},{Timestamp.ToText(row.OccurredAt)},{Flag(row.IsAnomaly)}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{stored},{Flag(replayed.IsAnomaly)},{replayed.Score:R},{replayed.Surprise:R},{Quoted(replayed.Explanation)}\n");
    }

    private static string Flag(bool value) => value ? "true" : "false";

    private static string Quoted(string? text) => text is null ? "" : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static void Guard(string path, Action write) => Guard(path, () =>
    {
        write();
        return 0;
    });

    private static T Guard<T>(string path, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{path} can't be written: {e.Message}");
        }
    }

    private static void Discard(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The partial file was already renamed, or an exception that says more is on its way.
        }
    }
}
