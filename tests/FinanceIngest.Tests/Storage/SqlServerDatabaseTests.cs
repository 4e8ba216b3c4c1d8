using System.Net;
using System.Net.Sockets;
using Azure.Core;
using FinanceIngest.Ground;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>The properties of connections that can be tested without a server.</summary>
public sealed class SqlServerDatabaseTests
{
    private const string Server = "Server=tcp:x.database.windows.net;Database=d";

    [Theory]
    [InlineData("", true)]
    [InlineData(";User ID=3f1c4a52-2a39-4a3a-9d5f-0a4f1f0f3b11", true)] // a user-assigned identity
    [InlineData(";Authentication=Active Directory Default", true)]
    [InlineData(";Authentication=Active Directory Managed Identity;User ID=3f1c4a52-2a39-4a3a-9d5f-0a4f1f0f3b11", true)]
    [InlineData(";User ID=sa;Password=p", false)]
    [InlineData(";Integrated Security=true", false)]
    [InlineData(";Authentication=Sql Password;User ID=sa;Password=p", false)]
    [InlineData(";Authentication=Active Directory Service Principal;User ID=a;Password=p", false)]
    public void A_token_is_used_where_the_connection_string_has_no_credentials(string credentials, bool expected)
    {
        using SqlServerDatabase database = Create(Server + credentials);

        Assert.Equal(expected, database.UsesAccessToken);
        using var connection = new SqlConnection(database.ConnectionString);
        if (expected)
        {
            // SqlClient refuses a token callback when the connection string has an Authentication keyword.
            connection.AccessTokenCallback = (_, _) => throw new NotSupportedException();
        }
    }

    [Fact]
    public void Connections_are_encrypted_and_named_unless_the_string_says_otherwise()
    {
        using SqlServerDatabase unset = Create(Server);
        using SqlServerDatabase set = Create(Server + ";Encrypt=Optional;Application Name=mine");

        var builder = new SqlConnectionStringBuilder(unset.ConnectionString);
        Assert.Equal(SqlConnectionEncryptOption.Mandatory, builder.Encrypt);
        Assert.Equal("finance-ingest", builder.ApplicationName);
        Assert.False(builder.Enlist);
        builder = new SqlConnectionStringBuilder(set.ConnectionString);
        Assert.Equal(SqlConnectionEncryptOption.Optional, builder.Encrypt);
        Assert.Equal("mine", builder.ApplicationName);
    }

    [Theory]
    [InlineData(SqlServerUse.Works, "", 0)]
    [InlineData(SqlServerUse.Answers, "", 0)]
    [InlineData(SqlServerUse.Answers, ";ConnectRetryCount=3", 3)]
    [InlineData(SqlServerUse.Commands, "", 1)]
    public void Servers_leave_repeated_attempts_to_their_own_pauses(object kind, string given, int expected)
    {
        using SqlServerDatabase database = Create($"Server=s;Database=d;User ID=u;Password=p{given}", (SqlServerUse)kind);

        Assert.Equal(expected, new SqlConnectionStringBuilder(database.ConnectionString).ConnectRetryCount);
    }

    [Fact]
    public void The_primary_replica_is_asked_whatever_the_string_says()
    {
        using SqlServerDatabase database = Create($"{Server};Application Intent=ReadOnly");

        Assert.Equal(ApplicationIntent.ReadWrite, new SqlConnectionStringBuilder(database.ConnectionString).ApplicationIntent);
    }

    [Fact]
    public async Task Who_reads_over_HTTP_hears_of_an_outage_within_a_second_and_all_of_them_wait_for_one_attempt()
    {
        // The server takes connections and answers nothing.
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        int connections = 0;
        _ = Task.Run(async () =>
        {
            var held = new List<TcpClient>();
            while (true)
            {
                held.Add(await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken));
                Interlocked.Increment(ref connections);
            }
        });
        var time = new FakeTimeProvider();
        var status = new DependencyStatus("database");
        using var database = new SqlServerDatabase(
            $"Server=tcp:127.0.0.1,{((IPEndPoint)server.LocalEndpoint).Port};Database=d;User ID=u;Password=p;Encrypt=Optional;Connect Timeout=60;Pooling=false",
            time, status, kind: SqlServerUse.Answers);
        Task<long> Read() => new SqlServerAlertOutbox(database, time).CountUnsentAsync(TestContext.Current.CancellationToken);

        Task<long> first = Read();
        time.Advance(TimeSpan.FromSeconds(0.9));
        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(() => first);
        Assert.IsType<TimeoutException>(e.InnerException);
        Assert.False(e.WasTooMuch);
        Assert.False(status.IsOk);

        // The outage is known now.
        for (int round = 0; round < 3; round++)
        {
            Task<long>[] others = [.. Enumerable.Range(0, 10).Select(_ => Read())];
            time.Advance(TimeSpan.FromSeconds(0.9));
            foreach (Task<long> other in others)
            {
                Assert.IsType<TimeoutException>((await Assert.ThrowsAsync<StoreUnavailableException>(() => other)).InnerException);
            }
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref connections) == 2, TestContext.Current.CancellationToken);
        server.Stop();
    }

    [Fact]
    public async Task A_server_that_refuses_connections_is_an_outage()
    {
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        int number = ((IPEndPoint)port.LocalEndpoint).Port;
        port.Stop();
        var status = new DependencyStatus("database");
        using var database = new SqlServerDatabase(
            $"Server=tcp:127.0.0.1,{number};Database=d;User ID=u;Password=p;Connect Timeout=1;ConnectRetryCount=0", new FakeTimeProvider(), status);

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new SqlServerAlertOutbox(database, new FakeTimeProvider()).CountUnsentAsync(TestContext.Current.CancellationToken));

        Assert.IsType<SqlException>(e.InnerException);
        Assert.False(status.IsOk);
    }

    [Fact]
    public async Task Cancelled_before_it_starts_nothing_is_opened()
    {
        using SqlServerDatabase database = Create("Server=127.0.0.1;Database=d;User ID=u;Password=p");
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SqlServerAlertOutbox(database, new FakeTimeProvider()).CountUnsentAsync(cancelled.Token));
    }

    private static SqlServerDatabase Create(string connectionString, SqlServerUse kind = SqlServerUse.Works) =>
        new(connectionString, new FakeTimeProvider(), new DependencyStatus("database"), new NoCredential(), kind);

    private sealed class NoCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
