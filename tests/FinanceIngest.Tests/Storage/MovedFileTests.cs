using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>A file that is deleted, replaced or moved while it is open takes nothing more, and says so until it is back.</summary>
public sealed class MovedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly DependencyStatus _status = new("x");

    public static TheoryData<string> Fates => ["deleted", "replaced", "directory renamed"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Fates))]
    public async Task The_database_takes_no_batch_and_gives_no_result_and_makes_no_new_file(string fate)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let anybody delete an open file.");
        string directory = NewDirectory();
        using var database = new SqliteDatabase(directory, _time, _status);
        var scoring = new SqliteScoringStore(database, _time);
        await scoring.WriteAsync(Sample.Batch(Sample.Anomaly()), Token);
        Assert.Null(_status.FindTrouble());

        Suffer(fate, directory, SqliteDatabase.FileName);

        StoreUnavailableException write = await Assert.ThrowsAsync<StoreUnavailableException>(() => scoring.WriteAsync(Sample.Batch(Sample.Anomaly()), Token));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => new SqliteResultsStore(database).GetAsync([Guid.NewGuid()], Token));
        Assert.Contains($"{SqliteDatabase.FileName} was deleted, replaced or moved", write.Message, StringComparison.Ordinal);
        Assert.Contains("restart this program", write.Message, StringComparison.Ordinal);
        Assert.IsType<MovedFileException>(_status.FindTrouble());
        Assert.Equal(fate == "replaced", File.Exists(Path.Combine(directory, SqliteDatabase.FileName)));
    }

    [Theory]
    [MemberData(nameof(Fates))]
    public async Task A_queue_takes_no_message_and_what_was_acknowledged_is_still_delivered(string fate)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let anybody delete an open file.");
        string directory = NewDirectory();
        using var queue = new EmbeddedQueue(directory, "q", _time, _status);
        await queue.SendAsync("acknowledged", TimeSpan.Zero, Token);

        Suffer(fate, directory, "queue-q.db");

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync("lost", TimeSpan.Zero, Token));
        Assert.Contains("was deleted, replaced or moved", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.ProbeAsync(Token));
        LeasedMessage rescued = Assert.Single(await queue.ReceiveAsync(32, TimeSpan.FromSeconds(30), Token));
        Assert.Equal("acknowledged", rescued.Text);
        Assert.True(await rescued.TryExtendAsync(TimeSpan.FromMinutes(1), Token));
        Assert.True(await rescued.TryDeleteAsync(Token));
        Assert.Equal(0, (await queue.GetDepthAsync(Token)).Length);
        Assert.IsType<MovedFileException>(_status.FindTrouble());
    }

    [Fact]
    public async Task A_file_that_is_put_back_in_its_place_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let anybody move an open file.");
        string directory = NewDirectory();
        using var database = new SqliteDatabase(directory, _time, _status);
        var scoring = new SqliteScoringStore(database, _time);
        TransactionResult first = Sample.Anomaly();
        await scoring.WriteAsync(Sample.Batch(first), Token);

        Directory.Move(directory, directory + "-away");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => scoring.WriteAsync(Sample.Batch(Sample.Anomaly()), Token));
        Directory.Move(directory + "-away", directory);

        await scoring.WriteAsync(Sample.Batch(Sample.Anomaly()), Token);
        Assert.Single(await new SqliteResultsStore(database).GetAsync([first.Id], Token));
        Assert.Null(_status.FindTrouble());
    }

    [Fact]
    public async Task A_restart_begins_with_what_is_there()
    {
        string directory = NewDirectory();
        using (var database = new SqliteDatabase(directory, _time, _status))
        {
            await new SqliteScoringStore(database, _time).WriteAsync(Sample.Batch(Sample.Anomaly()), Token);
            File.Delete(Path.Combine(directory, SqliteDatabase.FileName));
        }

        using var restarted = new SqliteDatabase(directory, _time, _status);
        TransactionResult result = Sample.Anomaly();
        await new SqliteScoringStore(restarted, _time).WriteAsync(Sample.Batch(result), Token);
        Assert.Single(await new SqliteResultsStore(restarted).GetAsync([result.Id], Token));
        Assert.Null(_status.FindTrouble());
    }

    public void Dispose() => _folder.Dispose();

    private string NewDirectory() => Path.Combine(_folder.Path, Guid.NewGuid().ToString("N"));

    private static void Suffer(string fate, string directory, string file)
    {
        string path = Path.Combine(directory, file);
        switch (fate)
        {
            case "deleted":
                File.Delete(path);
                break;
            case "replaced":
                File.Delete(path);
                File.WriteAllBytes(path, []);
                break;
            default:
                Directory.Move(directory, directory + "-away");
                break;
        }
    }
}
