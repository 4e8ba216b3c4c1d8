using System.Data;
using Azure.Core;
using Azure.Identity;
using Dapper;
using FinanceIngest.Ground;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// One SQL Server or Azure SQL database: opens connections, repeats what a deadlock or a lost race for a key undid, and tells outages
/// from errors of the data. While nobody uses it, it holds no session, so that a serverless database can pause.
/// </summary>
internal sealed class SqlServerDatabase : IDisposable
{
    /// <summary>Tries of one piece of work that deadlocks or keeps losing races for keys. Each loss means that another transaction got on.</summary>
    internal const int MaximumTries = 16;

    private const string TokenScope = "https://database.windows.net/.default";
    private static readonly TimeSpan s_idleTime = TimeSpan.FromSeconds(30);

    // One delegate for all connections: the pool keys on it.
    private readonly Func<SqlAuthenticationParameters, CancellationToken, Task<SqlAuthenticationToken>>? _accessToken;
    private readonly DependencyStatus _status;
    private readonly ITimer _idle;

    static SqlServerDatabase() =>
        // Dapper would send DATETIME, which has steps of 3 ms.
        SqlMapper.AddTypeMap(typeof(DateTime), DbType.DateTime2);

    /// <param name="connectionString">
    /// SqlClient's form. Without password, integrated security and certificate of its own it is opened with a token of
    /// <paramref name="credential"/>; <c>User ID</c> is then the client id of a user-assigned managed identity.
    /// </param>
    /// <param name="time">Clock of the idle time after which pooled connections are closed.</param>
    /// <param name="status">Learns how each use went.</param>
    /// <param name="credential">Where tokens come from; null: <see cref="DefaultAzureCredential"/>.</param>
    /// <exception cref="ArgumentException">Not a connection string.</exception>
    public SqlServerDatabase(string connectionString, TimeProvider time, DependencyStatus status, TokenCredential? credential = null)
    {
        var builder = new SqlConnectionStringBuilder(connectionString) { Enlist = false };
        if (!builder.ShouldSerialize("Application Name"))
        {
            builder.ApplicationName = "finance-ingest";
        }

        if (WantsToken(builder))
        {
            var options = new DefaultAzureCredentialOptions();
            if (builder.UserID.Length > 0)
            {
                // Else AZURE_CLIENT_ID, which the options have taken already.
                options.ManagedIdentityClientId = builder.UserID;
            }

            TokenCredential source = credential ?? new DefaultAzureCredential(options);
            _accessToken = (_, cancellationToken) => GetTokenAsync(source, cancellationToken);
            builder.Remove("Authentication");
            builder.Remove("User ID");
        }

        ConnectionString = builder.ConnectionString;
        _status = status;
        _idle = time.CreateTimer(_ => ClosePooled(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What connections are opened with.</summary>
    internal string ConnectionString { get; }

    /// <summary>Whether connections log in with a token.</summary>
    internal bool UsesAccessToken => _accessToken is not null;

    /// <inheritdoc/>
    public void Dispose()
    {
        _idle.Dispose();
        ClosePooled();
    }

    /// <summary>
    /// Runs work on a connection of its own. <paramref name="work"/> may run several times: all that it changes, it changes in one
    /// transaction of the server.
    /// </summary>
    /// <exception cref="StoreUnavailableException">An outage; see <see cref="SqlServerErrors.IsOutage"/>.</exception>
    /// <exception cref="SqlException">The data's own fault.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; a transaction that was under way was undone, or had just been committed.</exception>
    internal async Task<T> RunAsync<T>(Func<SqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await using SqlConnection connection = await OpenAsync(cancellationToken);
                T result = await work(connection);
                _status.Succeeded();
                return result;
            }
            catch (Exception e) when (e is SqlException or InvalidOperationException && cancellationToken.IsCancellationRequested)
            {
                // SqlClient reports a cancelled command as a SqlException.
                throw new OperationCanceledException(e.Message, e, cancellationToken);
            }
            catch (SqlException e) when (attempt < MaximumTries && SqlServerErrors.IsSettledByRepeating(e))
            {
                // At once: the repeat waits on the winner's locks, not on a clock.
            }
            catch (Exception e) when (SqlServerErrors.IsOutage(e))
            {
                _status.Failed(e);
                throw new StoreUnavailableException(e);
            }
            finally
            {
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
            // The pool is exhausted.
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

    private SqlConnection Create() => new(ConnectionString) { AccessTokenCallback = _accessToken };

    private void ClosePooled()
    {
        using SqlConnection connection = Create();
        SqlConnection.ClearPool(connection);
    }

    // SqlClient leaves Microsoft Entra to an extension package; of its keywords these mean what DefaultAzureCredential does.
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
