using System.Data;
using Azure.Core;
using Azure.Identity;
using Dapper;
using FinanceIngest.Ground;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// One SQL Server or Azure SQL database. This class opens connections, repeats work that was undone by a deadlock or by another transaction with the same
/// key, and tells outages from errors of the data. While the database is not used, no session is open, so that a serverless database can pause.
/// </summary>
internal sealed class SqlServerDatabase : IDisposable
{
    /// <summary>Attempts at one piece of work that is undone again and again. Each time another transaction has made progress.</summary>
    internal const int MaximumTries = 16;

    private const string TokenScope = "https://database.windows.net/.default";
    private static readonly TimeSpan s_idleTime = TimeSpan.FromSeconds(30);

    /// <summary>How long somebody who reads waits for a connection: long enough for a login, and short enough to answer 503 within a second.</summary>
    internal static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(0.9);

    // All connections share one delegate, because it is part of the pool's key.
    private readonly Func<SqlAuthenticationParameters, CancellationToken, Task<SqlAuthenticationToken>>? _accessToken;
    private readonly DependencyStatus _status;
    private readonly ITimer _idle;
    private readonly TimeProvider _time;
    private long _usedAt;
    private readonly SqlServerUse _kind;
    private readonly Lock _probing = new();
    private Task _probe = Task.CompletedTask;
    private volatile bool _isUsed;

    static SqlServerDatabase() =>
        // Dapper would send DATETIME, which has steps of 3 ms.
        SqlMapper.AddTypeMap(typeof(DateTime), DbType.DateTime2);

    /// <param name="connectionString">
    /// A connection string in SqlClient's form. If it has neither a password nor integrated security nor a certificate, connections log in with a token of
    /// <paramref name="credential"/>; <c>User ID</c> is then the client id of a user-assigned managed identity.
    /// </param>
    /// <param name="time">Clock of the idle time after which pooled connections are closed.</param>
    /// <param name="status">Is told whether each use succeeded.</param>
    /// <param name="credential">The source of tokens; null: <see cref="DefaultAzureCredential"/>.</param>
    /// <param name="kind">What the process does with the database.</param>
    /// <exception cref="ArgumentException"><paramref name="connectionString"/> is not a connection string.</exception>
    public SqlServerDatabase(
        string connectionString, TimeProvider time, DependencyStatus status, TokenCredential? credential = null, SqlServerUse kind = SqlServerUse.Works)
    {
        // A readable secondary knows nothing of open transactions, which the results feed needs.
        var builder = new SqlConnectionStringBuilder(connectionString) { Enlist = false, ApplicationIntent = ApplicationIntent.ReadWrite };
        if (!builder.ShouldSerialize("Application Name"))
        {
            builder.ApplicationName = "finance-ingest";
        }

        if (kind != SqlServerUse.Commands && !builder.ShouldSerialize("Connect Retry Count"))
        {
            // SqlClient would wait 10 s between two attempts. These processes have pauses of their own.
            builder.ConnectRetryCount = 0;
        }

        if (WantsToken(builder))
        {
            var options = new DefaultAzureCredentialOptions();
            if (builder.UserID.Length > 0)
            {
                // Without it the client id is AZURE_CLIENT_ID, which the options have read already.
                options.ManagedIdentityClientId = builder.UserID;
            }

            TokenCredential source = credential ?? new DefaultAzureCredential(options);
            _accessToken = (_, cancellationToken) => GetTokenAsync(source, cancellationToken);
            builder.Remove("Authentication");
            builder.Remove("User ID");
        }

        ConnectionString = builder.ConnectionString;
        _kind = kind;
        _status = status;
        _time = time;
        _idle = time.CreateTimer(_ => ClosePooled(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The connection string of all connections; without <c>Authentication</c> and <c>User ID</c> where they log in with a token.</summary>
    internal string ConnectionString { get; }

    /// <summary>Whether connections log in with a token.</summary>
    internal bool UsesAccessToken => _accessToken is not null;

    /// <summary>
    /// Whether work other than looking at the installation reached the database within the last seconds, so that its sessions are still open.
    /// </summary>
    internal bool IsAwake => _isUsed && _time.GetElapsedTime(Interlocked.Read(ref _usedAt)) < s_idleTime;

    /// <inheritdoc/>
    public void Dispose()
    {
        _idle.Dispose();
        ClosePooled();
    }

    /// <summary>
    /// Runs work on a connection of its own. <paramref name="work"/> may run several times, so it must make all its changes in one transaction of the
    /// server.
    /// </summary>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="StoreUnavailableException">There is an outage; see <see cref="SqlServerErrors.IsOutage"/>.</exception>
    /// <exception cref="SqlException">The data is at fault.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled. Its transaction was undone, or had just been committed.</exception>
    internal Task<T> RunAsync<T>(Func<SqlConnection, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(() => OpenAsync(cancellationToken), work, isOtherWork: true, cancellationToken);

    /// <summary>
    /// Runs work that somebody waits for, as <see cref="RunAsync{T}(Func{SqlConnection, Task{T}}, CancellationToken)"/> does, but in a process that answers
    /// HTTP the wait for a connection is at most <see cref="ReadPatience"/>. While an outage is known, all of this work waits for one attempt to connect.
    /// </summary>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <param name="isOtherWork">False: the work only looks at the installation, and is no reason to look again (<see cref="IsAwake"/>).</param>
    /// <exception cref="StoreUnavailableException">There is an outage; see <see cref="SqlServerErrors.IsOutage"/>.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    internal Task<T> ReadAsync<T>(Func<SqlConnection, Task<T>> work, CancellationToken cancellationToken, bool isOtherWork = true) =>
        RunAsync(
            () => _kind == SqlServerUse.Answers ? OpenSoonAsync(cancellationToken) : OpenAsync(cancellationToken), work, isOtherWork, cancellationToken);

    /// <summary>
    /// Runs work that at most one process does at a time: an application lock, held by a session of its own, keeps the others out, and ends with that
    /// session. The work is not repeated; what it does itself with <see cref="RunAsync{T}(Func{SqlConnection, Task{T}}, CancellationToken)"/> is.
    /// </summary>
    /// <param name="name">The name of the lock.</param>
    /// <param name="work">The work.</param>
    /// <param name="busy">The answer where another process is at it.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="StoreUnavailableException">There is an outage.</exception>
    internal async Task<T> RunAloneAsync<T>(string name, Func<Task<T>> work, T busy, CancellationToken cancellationToken)
    {
        SqlConnection? holder = null;
        try
        {
            bool isFree = await RunAsync(
                async () => holder = await OpenAsync(cancellationToken),
                async connection => await connection.ExecuteScalarAsync<int>(
                    new CommandDefinition(TryLockSql, new { name }, cancellationToken: cancellationToken)) >= 0,
                isOtherWork: true,
                cancellationToken,
                staysOpen: true);
            return isFree ? await work() : busy;
        }
        finally
        {
            if (holder is not null)
            {
                await ReleaseAsync(holder, name);
            }
        }
    }

    // The session goes back to the pool, where it would keep the lock until it is used again. One that is broken has lost it already.
    private static async Task ReleaseAsync(SqlConnection holder, string name)
    {
        try
        {
            await holder.ExecuteAsync(ReleaseLockSql, new { name });
        }
        catch (Exception e) when (e is SqlException or InvalidOperationException)
        {
            SqlConnection.ClearPool(holder);
        }
        finally
        {
            await holder.DisposeAsync();
        }
    }

    internal const string TryLockSql =
        """
        DECLARE @result INT;
        EXEC @result = sp_getapplock @Resource = @name, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0;
        SELECT @result;
        """;

    internal const string ReleaseLockSql =
        "IF APPLOCK_MODE('public', @name, 'Session') <> 'NoLock' EXEC sp_releaseapplock @Resource = @name, @LockOwner = 'Session'";

    private async Task<T> RunAsync<T>(
        Func<Task<SqlConnection>> open, Func<SqlConnection, Task<T>> work, bool isOtherWork, CancellationToken cancellationToken, bool staysOpen = false)
    {
        for (int attempt = 1; ; attempt++)
        {
            SqlConnection? connection = null;
            bool isOpen = false;
            try
            {
                connection = await open();
                isOpen = true;
                T result = await work(connection);
                _status.Succeeded();
                if (isOtherWork)
                {
                    Interlocked.Exchange(ref _usedAt, _time.GetTimestamp());
                    _isUsed = true;
                }

                return result;
            }
            catch (Exception e) when (e is SqlException or InvalidOperationException && cancellationToken.IsCancellationRequested)
            {
                // SqlClient reports a cancelled command as a SqlException.
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }
            catch (SqlException e) when (attempt < MaximumTries && SqlServerErrors.IsSettledByRepeating(e))
            {
                // The work is repeated at once: it waits for the other transaction's locks, not for a clock.
            }
            catch (Exception e) when (SqlServerErrors.IsOutage(e))
            {
                Exception cause = SqlServerErrors.Explained(e);
                _status.Failed(cause);
                throw new StoreUnavailableException(cause, wasTooMuch: isOpen && SqlServerErrors.IsTimeout(e));
            }
            finally
            {
                if (connection is not null && !(staysOpen && isOpen))
                {
                    await connection.DisposeAsync();
                }

                _idle.Change(s_idleTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task<SqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        SqlConnection connection = Create();
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (InvalidOperationException e) when (!cancellationToken.IsCancellationRequested)
        {
            // Every connection of the pool is in use.
            await connection.DisposeAsync();
            _status.Failed(e);
            throw new StoreUnavailableException(e);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a connection within <see cref="ReadPatience"/>. What takes longer goes on, so that the next read finds its connection.</summary>
    /// <exception cref="TimeoutException">It took longer.</exception>
    private async Task<SqlConnection> OpenSoonAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using ITimer ends = _time.CreateTimer(_ => patience.Cancel(), null, ReadPatience, Timeout.InfiniteTimeSpan);
        try
        {
            if (!_status.IsOk)
            {
                await ProbeAsync().WaitAsync(patience.Token);
            }

            Task<SqlConnection> opening = OpenAsync(CancellationToken.None);
            try
            {
                return await opening.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _ = FinishAsync(opening);
                throw;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"there was no connection within {ReadPatience.TotalSeconds} s.");
        }
    }

    /// <summary>The one attempt to connect that is under way while an outage is known, or a new one.</summary>
    private Task ProbeAsync()
    {
        lock (_probing)
        {
            return _probe.IsCompleted ? _probe = Task.Run(async () => await (await OpenAsync(CancellationToken.None)).DisposeAsync()) : _probe;
        }
    }

    // A late connection goes to the pool; a failure is that of the read that waited.
    private static async Task FinishAsync(Task<SqlConnection> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully)
        {
            await opening.Result.DisposeAsync();
        }
    }

    private SqlConnection Create() => new(ConnectionString) { AccessTokenCallback = _accessToken };

    private void ClosePooled()
    {
        using SqlConnection connection = Create();
        SqlConnection.ClearPool(connection);
    }

    // SqlClient leaves Microsoft Entra to an extension package. These of its keywords mean what DefaultAzureCredential does.
    private static bool WantsToken(SqlConnectionStringBuilder builder) => builder.Authentication switch
    {
        SqlAuthenticationMethod.NotSpecified => builder.Password.Length == 0 && !builder.IntegratedSecurity,
        SqlAuthenticationMethod.ActiveDirectoryDefault or SqlAuthenticationMethod.ActiveDirectoryManagedIdentity
            or SqlAuthenticationMethod.ActiveDirectoryMSI or SqlAuthenticationMethod.ActiveDirectoryWorkloadIdentity => true,
        _ => false,
    };

    private static async Task<SqlAuthenticationToken> GetTokenAsync(TokenCredential credential, CancellationToken cancellationToken)
    {
        AccessToken token = await credential.GetTokenAsync(new TokenRequestContext([TokenScope]), cancellationToken);
        return new SqlAuthenticationToken(token.Token, token.ExpiresOn);
    }
}
