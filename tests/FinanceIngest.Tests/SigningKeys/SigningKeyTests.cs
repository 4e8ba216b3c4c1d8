using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.SigningKeys;

/// <summary>A signing key whose file is deleted or changed under a running program is noticed, and nothing is certified with it meanwhile.</summary>
public sealed class SigningKeyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly DependencyStatus _status = new("signing_key");

    public static TheoryData<string> Fates => ["deleted", "changed", "changed at the same time", "emptied", "grown", "directory gone", "directory replaced"];

    private string Directory => Path.Combine(_folder.Path, "data");

    private string KeyFile => SigningKeyFile.PathIn(Directory);

    [Theory]
    [MemberData(nameof(Fates))]
    public void A_lost_file_is_noticed_by_the_next_look_and_a_file_that_is_put_back_ends_it(string fate)
    {
        SigningKey key = SigningKey.Of(new Settings { DataDirectory = Directory }, _time, _status);
        key.Require();
        Assert.Null(_status.FindTrouble());

        byte[] before = Suffer(fate);
        key.Require();
        _time.Advance(SigningKey.LookHolds);

        SigningKeyLostException lost = Assert.Throws<SigningKeyLostException>(key.Require);
        Assert.Contains(KeyFile, lost.Message, StringComparison.Ordinal);
        Assert.Contains(fate is "deleted" or "directory gone" ? "is gone" : "holds another key", lost.Message, StringComparison.Ordinal);
        Assert.IsType<SigningKeyLostException>(_status.FindTrouble());
        Assert.False(_status.IsOk);

        System.IO.Directory.CreateDirectory(Directory);
        File.WriteAllBytes(KeyFile, before);
        _time.Advance(SigningKey.LookHolds);
        key.Require();
        Assert.Null(_status.FindTrouble());
        Assert.True(_status.IsOk);
    }

    [Fact]
    public void A_probe_that_sees_the_loss_ends_issuing_at_once()
    {
        SigningKey key = SigningKey.Of(new Settings { DataDirectory = Directory }, _time, _status);
        File.Delete(KeyFile);

        Assert.NotNull(_status.FindTrouble());

        Assert.Throws<SigningKeyLostException>(key.Require);
    }

    [Fact]
    public void A_key_of_a_setting_has_no_file_to_lose()
    {
        SigningKey key = SigningKey.Of(new Settings { DataDirectory = Directory, IdSigningKey = "a secret" }, _time, _status);
        _time.Advance(TimeSpan.FromDays(1));

        key.Require();
        Assert.Null(_status.FindTrouble());
        Assert.False(System.IO.Directory.Exists(Directory));
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("changed")]
    public async Task An_intake_accepts_nothing_and_is_unready_until_the_file_is_back(string fate)
    {
        await using ServiceProvider services = Services(new Settings { DataDirectory = Directory });
        Api api = services.GetRequiredService<Api>();
        _ = services.GetRequiredService<IdCertifier>();
        const string one = """{"user_id": 399, "category_id": 2310, "amount": 25}""";
        Assert.Equal(202, (await SubmitAsync(api, "/api/transactions", one)).Status);

        byte[] before = Suffer(fate);
        _time.Advance(SigningKey.LookHolds);
        foreach ((string path, string body) in new[] { ("/api/transactions", one), ("/api/score-transaction", one), ("/api/transactions/batch", $"[{one}]") })
        {
            ApiResponse refused = await SubmitAsync(api, path, body);
            Assert.Equal(503, refused.Status);
            Assert.Contains("problem:signing-key", System.Text.Encoding.UTF8.GetString(refused.Body.Span), StringComparison.Ordinal);
        }

        Assert.Equal(503, (await SubmitAsync(api, "/readyz", null)).Status);
        File.WriteAllBytes(KeyFile, before);
        _time.Advance(SigningKey.LookHolds);
        Assert.Equal(200, (await SubmitAsync(api, "/readyz", null)).Status);
        Assert.Equal(202, (await SubmitAsync(api, "/api/transactions", one)).Status);
    }

    [Theory]
    [InlineData("deleted", "is missing")]
    [InlineData("changed", "not this installation's key")]
    public async Task An_installation_with_a_missing_or_another_key_does_not_start_and_makes_none(string fate, string problem)
    {
        var settings = new Settings { DataDirectory = Directory };
        string key = SigningKeyFile.ReadOrCreate(Directory);
        using (var database = new SqliteDatabase(Directory, _time, _status))
        {
            var check = new SigningKeyCheck(
                new SqliteInstallationStore(database), new IdCertifier(key, _time), new SigningKey(key, null, _time, new DependencyStatus("x")));
            await check.VerifyAsync(TestContext.Current.CancellationToken);
        }

        byte[] before = Suffer(fate);
        await using (ServiceProvider services = Services(settings))
        {
            SettingsException refused = Assert.Throws<SettingsException>(services.GetRequiredService<IdCertifier>);
            Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
            Assert.Equal(fate != "deleted", File.Exists(KeyFile));
        }

        File.WriteAllBytes(KeyFile, before);
        await using ServiceProvider again = Services(settings);
        Assert.Equal(new IdCertifier(key, _time).Fingerprint, again.GetRequiredService<IdCertifier>().Fingerprint);
    }

    public void Dispose() => _folder.Dispose();

    private ServiceProvider Services(Settings settings)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(_time);
        services.AddFinanceIngest(settings);
        services.AddIntake(settings);
        return services.BuildServiceProvider();
    }

    private static async Task<ApiResponse> SubmitAsync(Api api, string path, string? body)
    {
        using var request = new PushedRequest(path, body);
        return await api.HandleAsync(request, TestContext.Current.CancellationToken);
    }

    private byte[] Suffer(string fate)
    {
        byte[] before = File.ReadAllBytes(KeyFile);
        DateTime at = File.GetLastWriteTimeUtc(KeyFile);
        byte[] other = [.. before];
        other[0] = (byte)(other[0] == 'A' ? 'B' : 'A');
        switch (fate)
        {
            case "deleted":
                File.Delete(KeyFile);
                break;
            case "changed":
                File.WriteAllBytes(KeyFile, other);
                break;
            case "changed at the same time":
                File.WriteAllBytes(KeyFile, other);
                File.SetLastWriteTimeUtc(KeyFile, at);
                break;
            case "emptied":
                File.WriteAllBytes(KeyFile, []);
                break;
            case "grown":
                File.WriteAllBytes(KeyFile, [.. before, .. new byte[1_000_000]]);
                break;
            case "directory gone":
                System.IO.Directory.Move(Directory, Directory + "-away");
                break;
            default:
                System.IO.Directory.Move(Directory, Directory + "-away");
                SigningKeyFile.ReadOrCreate(Directory);
                break;
        }

        return before;
    }

    private sealed class PushedRequest(string path, string? body) : ApiRequest
    {
        public override string Method => body is null ? "GET" : "POST";

        public override string Path => path;

        public override long? ContentLength => body?.Length;

        public override Stream Body => new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body ?? ""));

        public override string QueryText => "";

        public override string? Header(string name) => name switch
        {
            "Content-Type" => "application/json",
            "Prefer" => "respond-async",
            _ => null,
        };
    }
}
