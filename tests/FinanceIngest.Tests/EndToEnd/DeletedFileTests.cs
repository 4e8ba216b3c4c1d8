using System.Text;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>A file of the embedded storage that is deleted under the server is noticed and said, and nothing is acknowledged into it.</summary>
[Needs(Outside.Program)]
public sealed class DeletedFileTests : IDisposable
{
    private const string Transaction = """{"user_id": 399, "category_id": 2310, "amount": 25}""";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task The_deleted_database_is_said_and_a_restart_scores_what_was_accepted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let anybody delete an open file.");
        string accepted;
        await using (ProgramProcess server = ProgramProcess.StartServer("IngestServer", _folder.Path))
        {
            var client = new ApiClient(await server.AddressAsync(), key: null);
            await client.ScoreAsync(Transaction);
            File.Delete(Path.Combine(_folder.Path, "finance-ingest.db"));

            Answer ready = (await client.GetAsync("/readyz")).Is(503);
            Assert.Equal("degraded", ready.Json.GetProperty("dependencies").GetProperty("database").GetString());
            Answer status = (await client.GetAsync("/api/status")).Is(200);
            Assert.Contains("was deleted, replaced or moved", status.Json.GetProperty("problems").GetRawText(), StringComparison.Ordinal);
            accepted = (await client.SubmitAsync(Transaction)).Is(202).Id;
            (await client.GetAsync($"/api/transactions/{accepted}")).IsProblem(503, "database");
            Assert.Contains("Not ready, database: the file", server.Log, StringComparison.Ordinal);
            Assert.Contains("restart this program", server.Log, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(_folder.Path, "finance-ingest.db")));
            await server.TerminateAsync();
        }

        await using ProgramProcess again = ProgramProcess.StartServer("IngestServer", _folder.Path);
        var restarted = new ApiClient(await again.AddressAsync(), key: null);
        Assert.Equal("scored", (await restarted.ResultAsync(accepted)).String("status"));
        (await restarted.GetAsync("/readyz")).Is(200);
        await again.TerminateAsync();
    }

    [Fact]
    public async Task A_deleted_queue_gets_503_and_no_202_and_what_it_held_is_scored()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let anybody delete an open file.");
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", _folder.Path);
        var client = new ApiClient(await server.AddressAsync(), key: null);
        string before = (await client.SubmitAsync(Transaction)).Is(202).Id;
        File.Delete(Path.Combine(_folder.Path, "queue-transactions-inbound.db"));

        (await client.SubmitAsync(Transaction)).IsProblem(503, "queue");
        (await client.GetAsync("/readyz")).Is(503);
        Assert.Equal("scored", (await client.ResultAsync(before)).String("status"));
        await server.TerminateAsync();
    }

    [Theory]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", true)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true)]
    [InlineData("nonsense of a sender", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", false)]
    public async Task The_trace_of_a_request_is_taken_as_W3C_says_and_nonsense_goes_nowhere(string header, bool isTaken)
    {
        await using (ProgramProcess server = ProgramProcess.StartServer("IngestServer", _folder.Path, ("FinanceIngest__Roles", "intake")))
        {
            var client = new ApiClient(await server.AddressAsync(), key: null);
            (await client.SubmitAsync(Transaction, ("traceparent", header))).Is(202);
            await server.TerminateAsync();
            Assert.DoesNotContain("nonsense", server.Log, StringComparison.Ordinal);
        }

        using var queue = new EmbeddedQueue(_folder.Path, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue"));
        string envelope = Encoding.UTF8.GetString(Convert.FromBase64String(Assert.Single(await queue.PeekAsync(1, default))));
        Assert.Matches("\"traceparent\":\"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\"", envelope);
        Assert.Equal(isTaken, envelope.Contains("4bf92f3577b34da6a3ce929d0e0e4736", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();
}
