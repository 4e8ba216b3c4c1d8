using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Cli;

/// <summary>What operators do to the data of running programs: back it up under load, erase a person in it; and who else may read it.</summary>
[Needs(Outside.Program)]
public sealed class InstallationProcessTests : IDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly TemporaryFolder _elsewhere = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_transaction_acknowledged_before_a_backup_under_load_is_scored_once_after_its_restore_and_its_alert_sent()
    {
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", _data.Path);
        using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
        await http.PutAsJsonAsync("api/stats", new[] { new { user_id = 399, category_id = 2310, mean = 10, std_dev = 1, sample_count = 40 } }, Token);
        var acknowledged = new List<Guid>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] load = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => SubmitAsync(http, acknowledged, stop.Token), Token))];

        var backups = new List<(string File, Guid[] Before)>();
        while (backups.Count < 3)
        {
            await Eventually.TrueAsync(() => Copy(acknowledged).Length >= 200 * (backups.Count + 1), Token);
            Guid[] before = Copy(acknowledged);
            string file = Path.Combine(_elsewhere.Path, $"{backups.Count}.tar");
            (int exitCode, _, string log) = await RunAsync(_data.Path, "backup", file);
            Assert.True(exitCode == 0, log);
            backups.Add((file, before));
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
        await server.TerminateAsync();

        foreach ((string file, Guid[] before) in backups)
        {
            await AssertCompleteAsync(file, before);
        }
    }

    [Fact]
    public async Task An_erased_person_leaves_no_trace_in_any_file_of_the_data_directory()
    {
        const long user = 7_234_567_890_123_456;
        await using (ProgramProcess server = ProgramProcess.StartServer("IngestServer", _data.Path))
        {
            using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
            await http.PutAsJsonAsync(
                "api/stats", new[] { user, 400 }.Select(id => new { user_id = id, category_id = 2310, mean = 10, std_dev = 1, sample_count = 40 }), Token);
            await SubmitHistoryAsync(http, user, 0, 60);
            using (var inbound = new EmbeddedQueue(_data.Path, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue")))
            {
                await inbound.SendAsync($$"""{"transactions":[{"user_id":{{user}},"category_id":0,"amount":918273645.4321}]}""", TimeSpan.Zero, Token);
                await inbound.SendAsync($$"""{"data":[{"user_id":{{user}}},[{{user}}]]}""", TimeSpan.Zero, Token);
            }

            await UntilAsync(_data.Path, status => status.GetProperty("inbound").Number("length") == 0
                && status.Number("poison") == 2 && status.Number("unsent_alerts") == 0);
            Assert.Equal(0, await server.TerminateAsync());
        }

        await using ProgramProcess intake = ProgramProcess.StartServer("IngestServer", _data.Path, ("FinanceIngest__Roles", "intake"));
        using (var http = new HttpClient { BaseAddress = await intake.AddressAsync() })
        {
            await SubmitHistoryAsync(http, user, 60, 20);
        }

        Assert.All(Traces(user), trace => Assert.True(Hits(trace.Bytes).Count > 0, $"{trace.Name} is in no file even before the erasure"));
        (int exitCode, string output, string log) = await RunAsync(_data.Path, "user", "erase", user.ToString(CultureInfo.InvariantCulture), "--yes", "--json");
        Assert.True(exitCode == 0, log);
        JsonElement outcome = JsonDocument.Parse(output).RootElement;
        Assert.Equal(20, outcome.Number("waiting_transactions"));
        Assert.True(outcome.Number("queued_alerts") > 0);
        string suspect = Assert.Single(outcome.GetProperty("poison_messages").GetProperty("suspect").EnumerateArray()).GetString()!;
        Assert.Equal(0, (await RunAsync(_data.Path, "poison", "drop", suspect, "--yes")).ExitCode);
        Assert.Equal(0, (await RunAsync(_data.Path, "user", "erase", user.ToString(CultureInfo.InvariantCulture), "--yes")).ExitCode);

        AssertNoTrace(user, "beside a running program");
        Assert.Equal(0, await intake.TerminateAsync());
        AssertNoTrace(user, "after a clean stop");
        await using ProgramProcess again = ProgramProcess.StartServer("IngestServer", _data.Path);
        await again.AddressAsync();
        await UntilAsync(_data.Path, status => status.GetProperty("inbound").Number("length") == 0);
        AssertNoTrace(user, "after what waited was scored");
        Assert.Equal(20, await LastBatchAsync());
    }

    [Fact]
    public async Task Under_the_usual_umask_nobody_else_may_read_what_a_server_makes_and_a_wide_directory_is_narrowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        string data = Path.Combine(_elsewhere.Path, "data");
        Directory.CreateDirectory(data);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(data, PrivateFiles.FolderMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", data);
        using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
        await SubmitHistoryAsync(http, 399, 0, 10);
        (int exported, _, _) = await RunAsync(data, "stats", "export", Path.Combine(_elsewhere.Path, "s.csv"));
        (int backedUp, _, _) = await RunAsync(data, "backup", Path.Combine(_elsewhere.Path, "b.tar"));

        Assert.Equal((0, 0), (exported, backedUp));
        Assert.Contains("had the mode 0745", server.Log, StringComparison.Ordinal);
        Assert.Null(PrivateFiles.WiderMode(data));
        string[] files = [.. Directory.GetFiles(data), Path.Combine(_elsewhere.Path, "s.csv"), Path.Combine(_elsewhere.Path, "b.tar")];
        Assert.Contains(files, file => file.EndsWith("-wal", StringComparison.Ordinal));
        Assert.Contains(files, file => file.EndsWith("-shm", StringComparison.Ordinal));
        Assert.All(files, file => Assert.True(PrivateFiles.WiderMode(file) is null, $"{file}: {PrivateFiles.WiderMode(file)}"));
    }

    public void Dispose()
    {
        _data.Dispose();
        _elsewhere.Dispose();
    }

    private static async Task SubmitAsync(HttpClient http, List<Guid> acknowledged, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // A request that was sent is waited for, so that its answer counts.
            HttpResponseMessage answer = await http.PostAsJsonAsync(
                "api/transactions/batch", Enumerable.Range(0, 5).Select(_ => new { user_id = 399, category_id = 2310, amount = 5000 }), CancellationToken.None);
            answer.EnsureSuccessStatusCode();
            JsonElement body = await answer.Content.ReadFromJsonAsync<JsonElement>(CancellationToken.None);
            lock (acknowledged)
            {
                acknowledged.AddRange(body.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetGuid()));
            }
        }
    }

    private static Guid[] Copy(List<Guid> ids)
    {
        lock (ids)
        {
            return [.. ids];
        }
    }

    private static async Task SubmitHistoryAsync(HttpClient http, long user, int from, int count)
    {
        HttpResponseMessage answer = await http.PostAsJsonAsync(
            "api/transactions/batch",
            Enumerable.Range(from, count).SelectMany(_ => new[] { user, 400 }).Select(id =>
                new { user_id = id, category_id = 2310, amount = id == user ? "918273645.4321" : "10" }),
            Token);
        answer.EnsureSuccessStatusCode();
    }

    private async Task AssertCompleteAsync(string file, Guid[] before)
    {
        string data = Path.Combine(_elsewhere.Path, Path.GetFileNameWithoutExtension(file));
        (int exitCode, _, string log) = await RunAsync(data, "restore", file);
        Assert.True(exitCode == 0, log);
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", data);
        using var http = new HttpClient { BaseAddress = await server.AddressAsync() };
        await UntilAsync(data, status => status.GetProperty("inbound").Number("length") == 0 && status.Number("unsent_alerts") == 0);

        foreach (Guid[] some in before.Chunk(1000))
        {
            HttpResponseMessage answer = await http.PostAsJsonAsync("api/transactions/status", new { ids = some }, Token);
            JsonElement results = (await answer.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("results");
            Assert.All(results.EnumerateArray(), result => Assert.Equal("scored", result.GetProperty("status").GetString()));
        }

        await server.TerminateAsync();
        using var alerts = new EmbeddedQueue(data, "anomaly-alerts", TimeProvider.System, new DependencyStatus("queue"));
        var alerted = new HashSet<Guid>();
        await alerts.RewriteAsync(
            (_, body) =>
            {
                Assert.True(body.TryDecode(out byte[] json));
                alerted.Add(JsonDocument.Parse(json).RootElement.GetProperty("transaction_id").GetGuid());
                return null;
            },
            Token);
        Assert.Empty(before.Except(alerted));
    }

    private async Task<long> LastBatchAsync()
    {
        (_, string output, _) = await RunAsync(_data.Path, "queue", "status", "--json");
        return JsonDocument.Parse(output).RootElement.GetProperty("last_batch").Number("transactions");
    }

    private async Task UntilAsync(string data, Func<JsonElement, bool> isSo)
    {
        while (true)
        {
            Token.ThrowIfCancellationRequested();
            (_, string output, _) = await RunAsync(data, "queue", "status", "--json");
            if (isSo(JsonDocument.Parse(output).RootElement))
            {
                return;
            }
        }
    }

    private void AssertNoTrace(long user, string when) =>
        Assert.All(Traces(user), trace => Assert.True(Hits(trace.Bytes).Count == 0, $"{when}: {trace.Name} in {string.Join(", ", Hits(trace.Bytes))}"));

    private List<string> Hits(IReadOnlyList<byte[]> forms) =>
    [
        .. from file in Directory.GetFiles(_data.Path)
           let content = ReadShared(file)
           where forms.Any(form => content.AsSpan().IndexOf(form) >= 0)
           select Path.GetFileName(file),
    ];

    private static byte[] ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    // Each form in which a number can stand in the files: as text, as text in base64 at each of its three alignments, as SQLite's integer, as one of a packed
    // message.
    private static IEnumerable<(string Name, IReadOnlyList<byte[]> Bytes)> Traces(long user)
    {
        const long units = 9_182_736_454_321;
        byte[] integer = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(integer, user);
        byte[] amount = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(amount, units);
        string number = user.ToString(CultureInfo.InvariantCulture);
        return
        [
            ("the number as text or base64", [Encoding.ASCII.GetBytes(number), .. Base64(number)]),
            ("the number as an integer", [integer]),
            ("the number in a packed message", [Leb128((ulong)user)]),
            ("the amount as text or base64", [Encoding.ASCII.GetBytes("918273645.4321"), .. Base64("918273645.4321")]),
            ("the amount as an integer", [amount[2..]]),
            ("the amount in a packed message", [Leb128((ulong)units << 1)]),
        ];
    }

    private static IEnumerable<byte[]> Base64(string text)
    {
        for (int before = 0; before < 3; before++)
        {
            string encoded = Convert.ToBase64String([.. new byte[before], .. Encoding.ASCII.GetBytes(text)]);
            yield return Encoding.ASCII.GetBytes(encoded[(((before * 8) + 5) / 6)..((before + text.Length) * 8 / 6)]);
        }
    }

    private static byte[] Leb128(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return [.. bytes];
    }

    private async Task<(int ExitCode, string Output, string Log)> RunAsync(string data, params string[] arguments)
    {
        await using ProgramProcess process = ProgramProcess.Start("finance-ingest", [.. arguments, "--data-directory", data], _elsewhere.Path);
        (int exitCode, string output) = await process.EndAsync();
        return (exitCode, output, process.Log);
    }
}
